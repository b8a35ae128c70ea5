import type { RequestRecord } from '../../domain/request-record.ts';
import { attemptsOf } from './attempts.ts';
import { GenAiMetrics } from './gen-ai-metrics.ts';
import { randomIds } from './ids.ts';
import { MetricExport } from './metric-export.ts';
import { type Destination, type Fetch, type PostParts, postTo } from './post.ts';
import { metricsRequest, type Origin, originOf, traceRequest } from './resource.ts';
import type { OtlpSettings } from './settings.ts';
import { SpanExport } from './span-export.ts';
import { clientSpan, serverSpan } from './spans.ts';
import { nextTry, type Trace, traceOf } from './trace.ts';
import { troubleOf } from './trouble.ts';

/** Traces and metrics of requests, exported by OTLP over HTTP in JSON. None of its calls throws or waits for a receiver. */
export interface Otlp {
  /** A request was received. */
  begin(record: RequestRecord): void;
  /**
   * A request is about to be sent to the endpoint of `record.decision`: the `traceparent` to send with it, another one each
   * time. Undefined where no traces are exported: then the client's own goes on.
   */
  traceparentFor(record: RequestRecord): string | undefined;
  /** It is over: its outcome and times are on the record. Nothing happens the second time. */
  end(record: RequestRecord): void;
  /** Spans that were lost since the start. */
  readonly droppedSpans: number;
  /** Resolves when what there is has been posted, taken or not. */
  flush(): Promise<void>;
  /** Posts what is left, and gives up after three seconds. Nothing is exported from then on. */
  close(): Promise<void>;
}

/** What an export needs beside its settings. */
export interface OtlpParts {
  /** The router's. */
  readonly version: string;
  /** Told once when a receiver no longer takes what it is sent, and once when it does again. Never keys. */
  readonly onTrouble: (text: string) => void;
  readonly fetch?: Fetch;
}

const CLOSE_LIMIT_MS = 3_000;

/** Starts to export; `close` ends it. */
export function createOtlp(settings: OtlpSettings, parts: OtlpParts): Otlp {
  const ending = new AbortController();
  const exporting = { fetch, ...parts, origin: originOf(settings, parts.version), signal: ending.signal };
  const spans = settings.traces && spanExport(settings.traces, exporting);
  const counted = new GenAiMetrics();
  const metrics = settings.metrics && metricExport(settings.metrics, settings.metricIntervalMs, counted, exporting);
  const ids = randomIds();
  const traces = new WeakMap<RequestRecord, Trace>();
  let closed: Promise<void> | undefined;

  function begin(record: RequestRecord): Trace {
    const trace = traceOf(record, ids);
    traces.set(record, trace);
    return trace;
  }
  function end(record: RequestRecord): void {
    const trace = traces.get(record);
    if (trace === undefined || closed !== undefined) return;
    traces.delete(record);
    const attempts = attemptsOf(record, trace.tries);
    if (metrics !== undefined && record.model !== undefined) counted.count(record, attempts);
    if (spans === undefined || !trace.sampled || !spans.admits(1 + attempts.length)) return;
    spans.add(serverSpan(record, trace));
    for (const attempt of attempts) spans.add(clientSpan(record, trace, attempt));
  }
  async function close(): Promise<void> {
    const timer = setTimeout(() => ending.abort(), CLOSE_LIMIT_MS);
    await Promise.all([spans?.close(), metrics?.close()]);
    clearTimeout(timer);
  }
  return {
    begin: (record) => void begin(record),
    traceparentFor(record) {
      const traceparent = nextTry(traces.get(record) ?? begin(record), record, ids);
      return spans === undefined ? undefined : traceparent;
    },
    end,
    get droppedSpans() {
      return spans?.dropped ?? 0;
    },
    async flush() {
      await (closed ?? Promise.all([spans?.flush(), metrics?.flush()]));
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}

interface Exporting extends PostParts {
  readonly origin: Origin;
  readonly onTrouble: (text: string) => void;
}

function spanExport(to: Destination, exporting: Exporting): SpanExport {
  const trouble = troubleOf('spans', to.url, exporting.onTrouble, () => made.dropped);
  const wrap = (spans: readonly string[]) => traceRequest(exporting.origin, spans);
  const made = new SpanExport({ post: postTo(to, exporting), wrap, trouble });
  return made;
}

function metricExport(to: Destination, intervalMs: number, counted: GenAiMetrics, exporting: Exporting): MetricExport {
  const trouble = troubleOf('metrics', to.url, exporting.onTrouble);
  const wrap = (metrics: readonly string[]) => metricsRequest(exporting.origin, metrics);
  return new MetricExport({ histograms: counted.all, post: postTo(to, exporting), wrap, trouble, intervalMs });
}
