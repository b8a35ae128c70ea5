import type { Decision, RequestRecord } from '../../domain/request-record.ts';
import type { Ids } from './ids.ts';
import { readTraceParent, type TraceParent, writeTraceParent } from './trace-context.ts';

/** A request that was sent to an endpoint: a CLIENT span. */
export interface Try {
  readonly spanId: string;
  /** Milliseconds after the client's request was received. */
  readonly startMs: number;
  readonly decision: Decision;
}

/** The place of a client's request in a trace, its SERVER span, and what it was sent on as. */
export interface Trace extends TraceParent {
  /** The caller's span, where the caller traces. */
  readonly parentSpanId: string | undefined;
  readonly tries: Try[];
}

/** Spans of one request: a long series of embeddings is sent in many. */
const MOST_TRIES = 64;

/** The trace of a request: the caller's, and as the caller wants it sampled, else a new one. */
export function traceOf({ traceparent }: RequestRecord, ids: Ids): Trace {
  const caller = readTraceParent(traceparent);
  return {
    traceId: caller?.traceId ?? ids.trace(),
    spanId: ids.span(),
    parentSpanId: caller?.spanId,
    sampled: caller?.sampled ?? true,
    tries: [],
  };
}

/** Notes a request to the endpoint of the last decision; the `traceparent` to send with it. */
export function nextTry(trace: Trace, record: RequestRecord, ids: Ids): string {
  const { decision } = record;
  // What asks no model has no span of its own: what the endpoint does belongs to the client's request.
  if (decision === undefined || record.model === undefined || trace.tries.length === MOST_TRIES)
    return writeTraceParent(trace);
  const spanId = ids.span();
  trace.tries.push({ spanId, startMs: record.elapsedMs, decision });
  return writeTraceParent({ ...trace, spanId });
}
