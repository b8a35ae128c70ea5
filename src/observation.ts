import { type Config, secretsOf } from './config/config.ts';
import type { RequestRecord } from './domain/request-record.ts';
import type { Router } from './routing/router.ts';
import type { Observed } from './server/routes.ts';
import type { Witness } from './server/server.ts';
import { liveUsage, UsageStream } from './server/usage-stream.ts';
import type { Log } from './telemetry/log.ts';
import { createMetrics } from './telemetry/metrics/metrics.ts';
import { createOtlp, type Otlp } from './telemetry/otlp/otlp.ts';
import type { OtlpSettings } from './telemetry/otlp/settings.ts';
import { clientName, type RequestView, requestViewer } from './telemetry/request-view.ts';
import { Requests } from './telemetry/requests.ts';
import { Ledger } from './usage/ledger.ts';
import { openStatistics, type StoredRequest } from './usage/statistics.ts';

/** Where the router tells of itself, beside its own routes. */
export interface Outlets {
  readonly log: Log;
  /** Lines that the log could not write so far. */
  readonly logDropped?: () => number;
  /** The router's, shown in metrics and traces. */
  readonly version?: string;
  /** Where traces and metrics are exported to; absent: nowhere. */
  readonly otlp?: OtlpSettings | undefined;
}

/** All that counts, keeps and shows what goes on. */
export interface Observation extends Observed {
  readonly ledger: Ledger;
  readonly otlp: Otlp | undefined;
  readonly witness: Witness;
  /** Writes what is not written yet, within some seconds, and ends. */
  close(): Promise<void>;
}

/** Begins to observe; nothing waits for the database. */
export function observe(config: Config, { catalog, slots }: Router, outlets: Outlets): Observation {
  const { log, logDropped = () => 0, version = 'unknown' } = outlets;
  const { keep, storedMs } = config.requests;
  const requests = new Requests(keep);
  const viewOf = requestViewer(secretsOf(config));
  const ledger = new Ledger();
  const statistics = openStatistics({
    path: config.dbPath ?? ':memory:',
    ledger,
    requestRetentionMs: storedMs,
    onState: (state) => log.storeChanged(state),
  });
  const live = liveUsage(slots, ledger);
  const stream = new UsageStream(live);
  const onTrouble = (text: string) => log.told('warn', text);
  const otlp = outlets.otlp && createOtlp(outlets.otlp, { version, onTrouble });
  const metrics = createMetrics({
    catalog,
    slots,
    defaultSlots: config.maxConcurrentConnections,
    version,
    sseClients: () => stream.subscribers,
    storeUp: () => statistics.state().status === 'ok',
    logDropped,
    requestsDropped: () => statistics.droppedRequests,
    spansDropped: () => otlp?.droppedSpans ?? 0,
  });
  const witness: Witness = {
    begun(record, isWork) {
      if (!isWork) return;
      requests.begun(record);
      otlp?.begin(record);
    },
    over(record) {
      const isWork = requests.over(record);
      if (isWork && storedMs !== undefined) statistics.keepRequest(storedRequest(record, viewOf));
      metrics.count(record);
      log.request(record);
      otlp?.end(record);
    },
  };
  const close = async () => void (await Promise.all([statistics.close(), otlp?.close()]));
  return {
    ledger,
    statistics,
    requests,
    viewOf,
    keepsRequests: storedMs !== undefined,
    live,
    stream,
    metrics,
    otlp,
    witness,
    close,
  };
}

function storedRequest(record: RequestRecord, viewOf: RequestView): StoredRequest {
  return {
    receivedAt: record.receivedAt,
    id: record.id,
    asked: record.model,
    model: record.decision?.model ?? record.model,
    endpoint: record.decision?.endpoint.name,
    outcome: record.outcome,
    client: clientName(record),
    record: JSON.stringify(viewOf(record)),
  };
}
