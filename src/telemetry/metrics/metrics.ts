import type { RequestRecord } from '../../domain/request-record.ts';
import { type Fleet, fleetMetrics } from './fleet-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { Registry } from './registry.ts';
import { requestMetrics } from './request-metrics.ts';
import { modelLabels } from './request-place.ts';

/** What the metrics are made of, beside the requests that are over. */
export interface MetricsParts extends Fleet {
  /** The router's own. */
  readonly version: string;
  /** Subscribers of streams of events now. */
  readonly sseClients: () => number;
  /** Whether the database of statistics works. */
  readonly storeUp: () => boolean;
  /** Lines of the log that could not be written so far. */
  readonly logDropped: () => number;
  /** Requests that could not be kept in the database so far, and spans that could not be exported. */
  readonly requestsDropped: () => number;
  readonly spansDropped: () => number;
}

/** The router in numbers (docs/metrics.md). */
export interface Metrics {
  /** Counts a request that is over. */
  count(record: RequestRecord): void;
  /** Everything as Prometheus reads it: in OpenMetrics 1.0, or in the text format 0.0.4. */
  text(openMetrics: boolean): string;
}

/** Metrics that begin at zero. Starts to watch the event loop. */
export function createMetrics(parts: MetricsParts): Metrics {
  const registry = new Registry();
  const { version, sseClients, storeUp, logDropped, requestsDropped, spansDropped } = parts;
  const build = [version, process.version] as const;
  registry.gauge('nomyo_router_build_info', 'Versions of the router and of Node.', ['version', 'node'], () => [
    [build, 1],
  ]);
  const count = requestMetrics(registry, modelLabels(parts.catalog));
  fleetMetrics(registry, parts);
  registry.value('nomyo_router_sse_clients', 'Subscribers of streams of events.', sseClients);
  registry.value('nomyo_router_store_up', 'Whether the database of statistics works.', () => Number(storeUp()));
  registry.total('nomyo_router_log_lines_dropped_total', 'Lines of the log that could not be written.', logDropped);
  registry.total('nomyo_router_requests_dropped_total', 'Requests that could not be kept on disk.', requestsDropped);
  registry.total('nomyo_router_spans_dropped_total', 'Spans that could not be exported.', spansDropped);
  processMetrics(registry);
  return { count, text: (openMetrics) => registry.text(openMetrics ? 'openmetrics' : 'text') };
}
