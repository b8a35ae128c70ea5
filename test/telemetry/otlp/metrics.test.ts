import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from '../../../src/telemetry/otlp/histogram.ts';
import type { Json } from '../../support/wire.ts';
import { metricsIn, startReceiver } from './receiver.ts';
import { Asked, askWell, endpoint, exportTo, gpuA, gpuB } from './requests.ts';

const ONLY_METRICS = { OTEL_TRACES_EXPORTER: 'none' };
const SERVER = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'ollama',
  'gen_ai.request.model': 'llama3.2:latest',
};
const CLIENT = { ...SERVER, 'server.address': 'gpu-a', 'server.port': 11434n };

/** The one data point of a metric: its attributes, count and sum. */
function only(points: Json[] | undefined): Json {
  assert.equal(points?.length, 1);
  const [{ attributes, count, sum }] = points;
  return { attributes, count, sum };
}

test('a streamed answer counts in every metric of the conventions', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  askWell(otlp);
  askWell(otlp);
  await otlp.close();
  const metrics = metricsIn(receiver);
  assert.deepEqual([...metrics.keys()].toSorted(), [
    'gen_ai.client.operation.duration',
    'gen_ai.client.operation.time_per_output_chunk',
    'gen_ai.client.operation.time_to_first_chunk',
    'gen_ai.client.token.usage',
    'gen_ai.server.request.duration',
    'gen_ai.server.time_per_output_token',
    'gen_ai.server.time_to_first_token',
  ]);
  for (const [name, attributes, sum] of [
    ['gen_ai.client.operation.duration', CLIENT, 1.8],
    ['gen_ai.client.operation.time_to_first_chunk', CLIENT, 0.3],
    ['gen_ai.client.operation.time_per_output_chunk', CLIENT, 0.5],
    ['gen_ai.server.request.duration', SERVER, 2],
    ['gen_ai.server.time_to_first_token', SERVER, 0.5],
    ['gen_ai.server.time_per_output_token', SERVER, 0.5],
  ] as const)
    assert.deepEqual(only(metrics.get(name)), { attributes, count: '2', sum }, name);
  const usage = metrics.get('gen_ai.client.token.usage') ?? [];
  assert.deepEqual(
    usage.map(({ attributes, sum }) => [attributes, sum]),
    [
      [{ ...CLIENT, 'gen_ai.token.type': 'input' }, 10],
      [{ ...CLIENT, 'gen_ai.token.type': 'output' }, 8],
    ],
  );
});

test('counts go on from export to export, since one start', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  const name = 'gen_ai.server.request.duration';
  askWell(otlp);
  await otlp.flush();
  const [first] = metricsIn(receiver).get(name) ?? [];
  askWell(otlp);
  await otlp.close();
  const [second] = metricsIn(receiver).get(name) ?? [];
  assert.deepEqual([first.count, second.count], ['1', '2']);
  assert.equal(first.startTimeUnixNano, second.startTimeUnixNano);
  assert.ok(second.timeUnixNano >= first.timeUnixNano);
});

test('metrics go out at their interval without being asked to', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, { ...ONLY_METRICS, OTEL_METRIC_EXPORT_INTERVAL: '1' });
  askWell(otlp);
  await receiver.got(2);
  assert.ok(receiver.requests.every(({ path }) => path === '/v1/metrics'));
  await otlp.close();
});

test('nothing counted is nothing sent', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  const record = new Asked(undefined, '/api/tags', 'GET');
  record.model = undefined;
  otlp.begin(record);
  record.end('ok', 200);
  otlp.end(record);
  await otlp.close();
  assert.equal(receiver.requests.length, 0);
});

test('without traces an endpoint is told nothing of them, and the metrics are the same', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  const record = new Asked('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00');
  otlp.begin(record);
  assert.equal(record.sentTo(otlp, gpuA, 100), undefined);
  otlp.end(record.answered());
  await otlp.close();
  const { attributes } = only(metricsIn(receiver).get('gen_ai.client.operation.duration'));
  assert.deepEqual(attributes, CLIENT);
});

test('what failed has its type, for the endpoint and for the client, and no times of tokens', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  const record = new Asked();
  otlp.begin(record);
  record.sentTo(otlp, gpuA, 0);
  record.tried({ endpoint: gpuA, kind: 'broken', message: 'hung up' });
  record.sentTo(otlp, gpuB, 500);
  record.tried({ endpoint: gpuB, kind: 'broken', message: 'hung up' });
  record.error = { code: 'upstream_unreachable', message: '' };
  record.at(1500).end('upstream_error', 502);
  otlp.end(record);
  await otlp.close();
  const metrics = metricsIn(receiver);
  const tries = metrics.get('gen_ai.client.operation.duration') ?? [];
  assert.deepEqual(
    tries.map(({ attributes, sum }) => [attributes['server.address'], attributes['error.type'], sum]),
    [
      ['gpu-a', 'broken', 0.5],
      ['gpu-b', 'broken', 1],
    ],
  );
  const { attributes } = only(metrics.get('gen_ai.server.request.duration'));
  assert.equal(attributes['error.type'], 'upstream_unreachable');
  assert.equal(metrics.size, 2);
});

test('tokens of a whole answer count, its pieces do not', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  const record = new Asked();
  record.streaming = false;
  otlp.begin(record);
  record.sentTo(otlp, gpuA, 0);
  record.firstPieceMs = 5;
  record.addTokens({ promptTokens: 5, completionTokens: 4, promptEstimated: true, completionEstimated: false });
  record.at(10).end('ok', 200);
  otlp.end(record);
  await otlp.close();
  const metrics = metricsIn(receiver);
  assert.equal(only(metrics.get('gen_ai.client.token.usage')).attributes['gen_ai.token.type'], 'output');
  assert.deepEqual(
    [...metrics.keys()].filter((name) => name.includes('.time_')),
    [],
  );
});

test('an answer counts once, however many requests it took', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  const record = new Asked();
  otlp.begin(record);
  record.sentTo(otlp, gpuA, 0);
  record.sentTo(otlp, gpuA, 100);
  otlp.end(record.answered());
  await otlp.close();
  const metrics = metricsIn(receiver);
  assert.equal(only(metrics.get('gen_ai.client.operation.duration')).count, '2');
  assert.deepEqual(
    metrics.get('gen_ai.client.token.usage')?.map(({ count }) => count),
    ['1', '1'],
  );
  assert.equal(only(metrics.get('gen_ai.client.operation.time_to_first_chunk')).sum, 0.15);
});

test('a client that leaves is no error; its tokens count, the times it would have waited do not', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  const record = new Asked();
  otlp.begin(record);
  record.sentTo(otlp, gpuA, 0);
  record.firstPieceMs = 5;
  record.addTokens({ promptTokens: 5, completionTokens: 4, promptEstimated: false, completionEstimated: true });
  record.at(10).end('cancelled', 499);
  otlp.end(record);
  await otlp.close();
  const metrics = metricsIn(receiver);
  assert.equal(metrics.get('gen_ai.client.token.usage')?.length, 2);
  assert.deepEqual(only(metrics.get('gen_ai.server.request.duration')).attributes, SERVER);
  assert.deepEqual(
    [...metrics.keys()].filter((name) => name.startsWith('gen_ai.server.time_')),
    [],
  );
});

test('clients that invent models add no series', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  for (let i = 0; i < 50; i++) {
    const record = new Asked();
    record.model = `invented-${i}`;
    otlp.begin(record);
    record.error = { code: 'model_not_found', message: '' };
    record.end('client_error', 404);
    otlp.end(record);
  }
  await otlp.close();
  const metrics = metricsIn(receiver);
  assert.equal(metrics.size, 1);
  assert.deepEqual(only(metrics.get('gen_ai.server.request.duration')), {
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'other',
      'gen_ai.request.model': 'other',
      'error.type': 'model_not_found',
    },
    count: '50',
    sum: 0,
  });
});

test('beyond a thousand series what is new counts as other, and nothing is lost', async () => {
  await using receiver = await startReceiver();
  const otlp = exportTo(receiver.url, ONLY_METRICS);
  for (let i = 0; i < 1500; i++) {
    const record = new Asked();
    otlp.begin(record);
    record.sentTo(otlp, endpoint(`gpu-${i}`), 0, `model-${i}`);
    otlp.end(record.answered());
  }
  await otlp.close();
  const usage = metricsIn(receiver).get('gen_ai.client.token.usage') ?? [];
  assert.equal(usage.length, 1002);
  assert.deepEqual(
    usage.slice(-2).map(({ attributes, count }) => [attributes, count]),
    ['input', 'output'].map((type) => [
      { ...SERVER, 'gen_ai.request.model': 'other', 'gen_ai.token.type': type },
      '1000',
    ]),
  );
  assert.equal(
    usage.reduce((total, { count }) => total + Number(count), 0),
    3000,
  );
});

test('a value counts in the bucket whose upper end it does not exceed', () => {
  const instrument = { name: 'x', unit: 's', description: '', bounds: [1, 2, 5] };
  const histogram = new Histogram(instrument, 10, (attributes) => attributes);
  assert.equal(histogram.metric(0, 1), undefined);
  for (const value of [0, 1, 1.5, 2, 5, 5.1, 1e9, Number.NaN, Number.POSITIVE_INFINITY]) histogram.observe(value, {});
  const [point] = JSON.parse(histogram.metric(0, 1) ?? '').histogram.dataPoints;
  assert.deepEqual(point.bucketCounts, ['2', '2', '1', '2']);
  assert.equal(point.count, '7');
});
