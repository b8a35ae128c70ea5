import { isHeader, pairs } from './pairs.ts';
import type { Destination } from './post.ts';

/** Where spans and metrics go, and what they say of this router. */
export interface OtlpSettings {
  readonly traces: Destination | undefined;
  readonly metrics: Destination | undefined;
  readonly metricIntervalMs: number;
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
}

/** What the environment says of OpenTelemetry, and what in it is not as it should be. */
export interface OtlpReading {
  /** Undefined where nothing is to be exported. */
  readonly settings: OtlpSettings | undefined;
  /** Never with values: they may be secrets. */
  readonly warnings: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const SERVICE_NAME = 'nomyo-router';
const METRIC_INTERVAL_MS = 60_000;
/** The longest that a timer can wait. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/** Reads the standard variables of OpenTelemetry (docs/opentelemetry.md has the list). */
export function readOtlpSettings(environment: Environment): OtlpReading {
  const warnings = new Set<string>();
  const warn = (text: string) => void warnings.add(text);
  const read = (name: string) => environment[name]?.trim() || undefined;
  if (read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return { settings: undefined, warnings: [...warnings] };
  const traces = urlOf(read, 'TRACES', warn);
  const metrics = urlOf(read, 'METRICS', warn);
  if (traces === undefined && metrics === undefined) return { settings: undefined, warnings: [...warnings] };
  checkProtocol(read, warn);
  const headers = headersOf(read, warn);
  const resourceAttributes = pairs('OTEL_RESOURCE_ATTRIBUTES', read('OTEL_RESOURCE_ATTRIBUTES'), warn);
  const settings = {
    traces: traces && destination(traces, headers),
    metrics: metrics && destination(metrics, headers),
    metricIntervalMs: intervalOf(read, warn),
    serviceName: read('OTEL_SERVICE_NAME') ?? resourceAttributes['service.name'] ?? SERVICE_NAME,
    resourceAttributes,
  };
  return { settings, warnings: [...warnings] };
}

type Read = (name: string) => string | undefined;
type Warn = (text: string) => void;

function urlOf(read: Read, signal: 'TRACES' | 'METRICS', warn: Warn): URL | undefined {
  const exporters = (read(`OTEL_${signal}_EXPORTER`) ?? 'otlp').split(',').map((name) => name.trim());
  if (exporters.includes('none')) return undefined;
  const own = `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`;
  const name = read(own) === undefined ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : own;
  const text = read(name);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    warn(`${name} is no http or https URL: no ${signal.toLowerCase()} are exported`);
    return undefined;
  }
  if (!exporters.includes('otlp')) warn(`OTEL_${signal}_EXPORTER: only otlp and none are known; otlp is used`);
  if (url.port === '4317') warn(`${name}: port 4317 is the one of gRPC; HTTP has 4318`);
  if (name !== own) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal.toLowerCase()}`;
  return url;
}

/** A URL for `fetch`, which takes none with credentials: they become a header. */
function destination(url: URL, headers: Readonly<Record<string, string>>): Destination {
  const { username, password } = url;
  if (username === '' && password === '') return { url: url.href, headers };
  const credentials = Buffer.from(`${plain(username)}:${plain(password)}`).toString('base64');
  url.username = '';
  url.password = '';
  return { url: url.href, headers: { authorization: `Basic ${credentials}`, ...headers } };
}

function plain(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function checkProtocol(read: Read, warn: Warn): void {
  const name = 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const protocol = read(name);
  if (protocol === undefined || protocol === 'http/json') return;
  warn(`${name}: only http/json is known, which every collector takes at the port of HTTP; it is used`);
}

function headersOf(read: Read, warn: Warn): Readonly<Record<string, string>> {
  const name = 'OTEL_EXPORTER_OTLP_HEADERS';
  const given = pairs(name, read(name), warn);
  const kept: Record<string, string> = {};
  for (const [header, value] of Object.entries(given)) {
    if (isHeader(header, value)) kept[header.toLowerCase()] = value;
    else warn(`${name}: one of them is no header; it is left out`);
  }
  return kept;
}

function intervalOf(read: Read, warn: Warn): number {
  const name = 'OTEL_METRIC_EXPORT_INTERVAL';
  const text = read(name);
  if (text === undefined) return METRIC_INTERVAL_MS;
  const ms = Number(text);
  if (Number.isInteger(ms) && ms > 0 && ms <= LONGEST_INTERVAL_MS) return ms;
  warn(`${name} is no number of milliseconds: ${METRIC_INTERVAL_MS} is used`);
  return METRIC_INTERVAL_MS;
}
