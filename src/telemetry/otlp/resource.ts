import { randomUUID } from 'node:crypto';
import { keyValues } from './attributes.ts';
import type { OtlpSettings } from './settings.ts';

/** What sets the batches of one process apart: JSON of a `Resource`, and of the `InstrumentationScope`. */
export interface Origin {
  readonly resource: string;
  readonly scope: string;
}

/** This process as the origin of spans and metrics. */
export function originOf({ serviceName, resourceAttributes }: OtlpSettings, version: string): Origin {
  const attributes = {
    'service.version': version,
    // Several routers of one name would else add to the same counts.
    'service.instance.id': randomUUID(),
    ...resourceAttributes,
    'service.name': serviceName,
    'telemetry.sdk.name': 'nomyo-router',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': version,
  };
  return {
    resource: JSON.stringify({ attributes: keyValues(attributes) }),
    scope: JSON.stringify({ name: 'nomyo-router', version }),
  };
}

/** An `ExportTraceServiceRequest` of spans that are JSON already. */
export function traceRequest({ resource, scope }: Origin, spans: readonly string[]): string {
  return `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}`;
}

/** An `ExportMetricsServiceRequest` of metrics that are JSON already. */
export function metricsRequest({ resource, scope }: Origin, metrics: readonly string[]): string {
  return `{"resourceMetrics":[{"resource":${resource},"scopeMetrics":[{"scope":${scope},"metrics":[${metrics.join(',')}]}]}]}`;
}
