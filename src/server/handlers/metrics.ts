import type { Metrics } from '../../telemetry/metrics/metrics.ts';
import type { Handler } from '../route.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** `GET /metrics`: for Prometheus, in the format that it prefers. */
export function metricsPage(metrics: Metrics): Handler {
  return ({ request, reply }) => {
    const open = prefersOpenMetrics(request.headers.accept ?? '');
    const body = Buffer.from(metrics.text(open));
    reply.start(200, ['Content-Type', open ? OPEN_METRICS : TEXT, 'Vary', 'Accept'], body.length);
    reply.end(body);
  };
}

/** Whether `Accept` names OpenMetrics, and no plain text above it. */
function prefersOpenMetrics(accept: string): boolean {
  const ranges = accept.toLowerCase().split(',');
  const open = qualityOf(ranges, 'application/openmetrics-text');
  return open > 0 && open >= qualityOf(ranges, 'text/plain');
}

/** The best quality of the ranges of this type; 0 where there is none (RFC 9110, section 12.4.2). */
function qualityOf(ranges: readonly string[], type: string): number {
  const of = ranges.map((range) => range.split(';').map((part) => part.trim())).filter(([name]) => name === type);
  return Math.max(
    0,
    ...of.map((parts) => Number(/^q=(.*)$/.exec(parts.find((p) => p.startsWith('q=')) ?? 'q=1')?.[1]) || 0),
  );
}
