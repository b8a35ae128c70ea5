import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOtlpSettings } from '../../../src/telemetry/otlp/settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

test('without an endpoint nothing is exported, and nothing said of it', () => {
  const nothing = { settings: undefined, warnings: [] };
  assert.deepEqual(readOtlpSettings({}), nothing);
  assert.deepEqual(readOtlpSettings({ OTEL_SERVICE_NAME: 'x', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }), nothing);
  assert.deepEqual(readOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), nothing);
  assert.deepEqual(readOtlpSettings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }), nothing);
  const none = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' };
  assert.deepEqual(readOtlpSettings({ ...ENDPOINT, ...none }), nothing);
});

test('an endpoint is enough', () => {
  const { settings, warnings } = readOtlpSettings(ENDPOINT);
  assert.deepEqual(warnings, []);
  assert.deepEqual(settings?.traces, { url: 'http://collector:4318/v1/traces', headers: {} });
  assert.deepEqual(settings?.metrics, { url: 'http://collector:4318/v1/metrics', headers: {} });
  assert.equal(settings?.serviceName, 'nomyo-router');
  assert.equal(settings?.metricIntervalMs, 60_000);
});

test('the path of an endpoint stays in front; that of one signal is used as it is', () => {
  const { settings } = readOtlpSettings({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otel.example/otlp/?tenant=a',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://metrics.example/write/',
  });
  assert.equal(settings?.traces?.url, 'https://otel.example/otlp/v1/traces?tenant=a');
  assert.equal(settings?.metrics?.url, 'http://metrics.example/write/');
});

test('one signal alone', () => {
  const onlyTraces = readOtlpSettings({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector/v1/traces' });
  assert.equal(onlyTraces.settings?.metrics, undefined);
  const onlyMetrics = readOtlpSettings({ ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' });
  assert.equal(onlyMetrics.settings?.traces, undefined);
  assert.ok(onlyMetrics.settings?.metrics);
});

test('headers and attributes are percent-decoded; what is none is left out and not repeated', () => {
  const { settings, warnings } = readOtlpSettings({
    ...ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20abc=, x-tenant = a%2Cb ,secret,bad name=x,x=%0A,y=%zz',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod%C3%BC,service.name=mine,,=x',
  });
  assert.deepEqual(settings?.traces?.headers, { authorization: 'Bearer abc=', 'x-tenant': 'a,b' });
  assert.deepEqual(
    { ...settings?.resourceAttributes },
    {
      'deployment.environment.name': 'prodü',
      'service.name': 'mine',
    },
  );
  assert.equal(settings?.serviceName, 'mine');
  assert.deepEqual(warnings, [
    'OTEL_EXPORTER_OTLP_HEADERS: entry 3 is no name=value; it is left out',
    'OTEL_EXPORTER_OTLP_HEADERS: entry 6 is no name=value; it is left out',
    'OTEL_EXPORTER_OTLP_HEADERS: one of them is no header; it is left out',
    'OTEL_RESOURCE_ATTRIBUTES: entry 4 is no name=value; it is left out',
  ]);
});

test('OTEL_SERVICE_NAME beats the attribute', () => {
  const attributes = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=mine' };
  assert.equal(
    readOtlpSettings({ ...ENDPOINT, ...attributes, OTEL_SERVICE_NAME: 'other' }).settings?.serviceName,
    'other',
  );
});

test('credentials in an endpoint become a header', () => {
  const { settings } = readOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:p%40ss@collector:4318' });
  const headers = { authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` };
  assert.deepEqual(settings?.traces, { url: 'http://collector:4318/v1/traces', headers });
});

for (const [what, environment, warning] of [
  ['another protocol', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /^OTEL_EXPORTER_OTLP_PROTOCOL: only http\/json/],
  ['another exporter', { OTEL_TRACES_EXPORTER: 'zipkin' }, /^OTEL_TRACES_EXPORTER: only otlp and none/],
  ['no interval', { OTEL_METRIC_EXPORT_INTERVAL: '1m' }, /^OTEL_METRIC_EXPORT_INTERVAL is no number/],
  ['an interval no timer can wait', { OTEL_METRIC_EXPORT_INTERVAL: '2147483648' }, /^OTEL_METRIC_EXPORT_INTERVAL/],
  ['the port of gRPC', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4317' }, /4317 is the one of gRPC/],
] as const)
  test(`${what} is said once, and does no harm`, () => {
    const { settings, warnings } = readOtlpSettings({ ...ENDPOINT, ...environment });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', warning);
    assert.ok(settings?.traces && settings.metrics);
    assert.equal(settings.metricIntervalMs, 60_000);
  });

test('an endpoint that is no URL is said, without its words', () => {
  const { settings, warnings } = readOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'me:secret@collector:4318' });
  assert.equal(settings, undefined);
  assert.deepEqual(warnings, [
    'OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL: no traces are exported',
    'OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL: no metrics are exported',
  ]);
});

test('the interval is taken in milliseconds', () => {
  const { settings, warnings } = readOtlpSettings({ ...ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: '15000' });
  assert.equal(settings?.metricIntervalMs, 15_000);
  assert.deepEqual(warnings, []);
});
