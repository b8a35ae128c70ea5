import type { RequestRecord } from '../../domain/request-record.ts';
import type { Try } from './trace.ts';

/** A request to an endpoint that is over. */
export interface Attempt extends Try {
  /** Milliseconds after the client's request was received. */
  readonly endMs: number;
  /** `error.type`; undefined where the endpoint did what it was asked to, or nobody waited for it any more. */
  readonly errorType: string | undefined;
  /** Requests to other endpoints before it, in vain. */
  readonly retries: number;
  /** It is the one that the client's answer came from: tokens and times of the record are its own. */
  readonly answered: boolean;
}

/** `error.type` where there is no better word, by the conventions. */
const NO_NAME = '_OTHER';

/** `error.type` of a client's request; undefined for one that went well or was given up by its client. */
export function errorTypeOf({ outcome, error, status }: RequestRecord): string | undefined {
  if (outcome === 'ok' || outcome === 'cancelled') return undefined;
  return error?.code ?? (status >= 400 ? String(status) : NO_NAME);
}

/** What became of each request to an endpoint that a client's request led to. */
export function attemptsOf(record: RequestRecord, tries: readonly Try[]): Attempt[] {
  const last = tries.length - 1;
  return tries.map((each, i) => {
    const { endpoint } = each.decision;
    const next = tries[i + 1];
    const isLastThere = next === undefined || next.decision.endpoint !== endpoint;
    const failed = isLastThere ? record.failedTries.find((failure) => failure.endpoint === endpoint) : undefined;
    const ended = i === last ? errorTypeOf(record) : undefined;
    return {
      ...each,
      endMs: next?.startMs ?? record.totalMs ?? record.elapsedMs,
      errorType: failed?.kind ?? ended,
      retries: endpointsBefore(tries, i),
      answered: i === last && failed === undefined,
    };
  });
}

function endpointsBefore(tries: readonly Try[], at: number): number {
  let count = 0;
  for (let i = 1; i <= at; i++) if (tries[i]?.decision.endpoint !== tries[i - 1]?.decision.endpoint) count++;
  return count;
}

/** Milliseconds from the request to an endpoint to the first piece of its streamed answer; undefined where there is none. */
export function firstChunkMs({ firstPieceMs, streaming }: RequestRecord, { startMs }: Attempt): number | undefined {
  return streaming && firstPieceMs !== undefined && firstPieceMs >= startMs ? firstPieceMs - startMs : undefined;
}
