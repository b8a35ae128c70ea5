import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { metricsPage } from '../../src/server/handlers/metrics.ts';
import { HttpReply } from '../../src/server/http-reply.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { WriteBatch } from '../../src/upstream/write-batch.ts';
import { eventually, ONCE, routerBefore, startRouter } from '../support/router.ts';
import { askWire, headerIn, textOf, type WireAnswer } from '../support/wire.ts';
import { parsed, valuesOf } from '../telemetry/metrics/parsed.ts';
import { gpuA, recordOf, stage } from '../telemetry/metrics/stage.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Asks a server of this one route. */
async function ask(accept: string | undefined, method = 'GET'): Promise<WireAnswer> {
  const { metrics, has } = stage();
  has(gpuA, 'größe "x"\\y');
  metrics.count(recordOf({ endpoint: gpuA, model: 'größe "x"\\y' }));
  const page = metricsPage(metrics);
  const server = http.createServer((request, response) => {
    const reply = new HttpReply(response, 'id', 10_000, new WriteBatch());
    void page({ request, reply, query: '', rest: '', record: recordOf({}) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await askWire(port, '/metrics', { method, headers: accept === undefined ? {} : { Accept: accept } });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

for (const [accept, type] of [
  [undefined, TEXT],
  ['*/*', TEXT],
  ['text/plain', TEXT],
  ['text/html, */*;q=0.8', TEXT],
  ['application/openmetrics-text', OPEN],
  ['Application/OpenMetrics-Text; version=1.0.0', OPEN],
  // Prometheus 2.42, and 3 with and without protobuf.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    OPEN,
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2',
    OPEN,
  ],
  [
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,text/plain;version=0.0.4;q=0.5',
    TEXT,
  ],
  ['application/openmetrics-text;q=0.3, text/plain;q=0.9', TEXT],
  ['application/openmetrics-text;q=0', TEXT],
  ['application/openmetrics-text ; q=nonsense', TEXT],
] as const) {
  test(`who accepts ${accept ?? 'anything'} gets ${type.split(';')[0]}`, async () => {
    const answer = await ask(accept);
    assert.deepEqual([answer.status, headerIn(answer, 'content-type')], [200, type]);
    assert.ok(parsed(textOf(answer), type === OPEN ? 'openmetrics' : 'text').size > 30);
    assert.match(textOf(answer), /model="größe \\"x\\"\\\\y"/);
  });
}

test('HEAD has the length and no body', async () => {
  const answer = await ask(undefined, 'HEAD');
  assert.deepEqual([answer.status, answer.body.length], [200, 0]);
  assert.ok(Number(headerIn(answer, 'content-length')) > 1_000);
});

test('the router counts what it has done, under names that clients cannot make up', async () => {
  await using fleet = await startFleet({ a: { kind: 'ollama', models: ['m'] } });
  await using router = await routerBefore([{ at: fleet.endpoints.a, name: 'gpu-a' }]);
  const messages = [{ role: 'user', content: 'say 5 tokens' }];
  for (const model of ['m', 'invented-1', 'invented-2'])
    await router.ask('/api/chat', { method: 'POST', body: { model, messages } });
  for (const path of ['/invented/1', '/invented/2']) await router.ask(path);
  const scrape = async () => parsed(textOf(await router.ask('/metrics')), 'text');
  const requests = async () => {
    const found = valuesOf(
      await scrape(),
      'nomyo_router_requests_total',
      'api',
      'model',
      'endpoint',
      'outcome',
      'code',
    );
    return Object.fromEntries(Object.entries(found).filter(([labels]) => !labels.startsWith('/metrics')));
  };
  await eventually(async () => Object.values(await requests()).reduce((sum, count) => sum + count, 0) === 5);
  assert.deepEqual(await requests(), {
    '/api/chat m:latest gpu-a ok 200': 1,
    '/api/chat   client_error 404': 2,
    'none   client_error 404': 2,
  });
  const output = valuesOf(await scrape(), 'nomyo_router_tokens_total', 'direction', 'model', 'endpoint', 'client');
  assert.equal(output['output m:latest gpu-a anonymous'], 5);
});

test('metrics need the key, where there is one', async () => {
  await using router = await startRouter({ router_api_key: 'SECRET' }, ONCE);
  assert.equal((await router.ask('/metrics')).status, 401);
  const answer = await router.ask('/metrics', { headers: { Authorization: 'Bearer SECRET' } });
  assert.equal(answer.status, 200);
  assert.doesNotMatch(textOf(answer), /SECRET/);
});
