import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { asked } from '../support/records.ts';
import { entryOf, eventually, ONCE, routerBefore, startRouter, startUnprobed } from '../support/router.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'say 3 tokens' }];
const OFTEN = { ...ONCE, healthy: 20, healthyOpenai: 20 };

test('GET / says what clients of Ollama look for', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask('/');
  assert.deepEqual([answer.status, textOf(answer)], [200, 'Ollama is running']);
  assert.equal(headerIn(answer, 'content-type'), 'text/plain; charset=utf-8');
});

describe('health', () => {
  test('is ok, degraded or error by how many endpoints answer, and live always', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], version: '0.24.0' },
      b: { kind: 'openai', models: ['n'] },
    });
    const { a, b } = fleet.endpoints;
    await using router = await routerBefore([a, b], {}, OFTEN);
    const health = async () => {
      const answer = await router.ask('/health');
      const { statistics, ...rest } = jsonOf(answer);
      assert.equal(statistics.status, 'ok');
      return { code: answer.status, ...rest };
    };
    const fine = { [a.url]: { status: 'ok', version: '0.24.0' }, [b.url]: { status: 'ok', version: 'latest' } };
    assert.deepEqual(await health(), { code: 200, status: 'ok', endpoints: fine });
    await a.stop();
    await eventually(async () => (await health()).status === 'degraded');
    const refused = { status: 'error', detail: 'connection refused' };
    assert.deepEqual(await health(), { code: 200, status: 'degraded', endpoints: { ...fine, [a.url]: refused } });
    assert.equal((await router.ask('/health/ready')).status, 200);
    await b.stop();
    await eventually(async () => (await health()).status === 'error');
    assert.deepEqual(await health(), { code: 503, status: 'error', endpoints: { [a.url]: refused, [b.url]: refused } });
    assert.equal((await router.ask('/health/ready')).status, 503);
    assert.deepEqual(
      [(await router.ask('/health/live')).status, jsonOf(await router.ask('/health/live'))],
      [200, { status: 'ok' }],
    );
  });
});

test('/api/config shows the endpoints by their lists, with their state, and no credentials', async () => {
  await using fleet = await startFleet({
    a: { kind: 'ollama', models: ['m'] },
    b: { kind: 'openai', models: ['n'], key: 'sk-SECRET' },
    c: { kind: 'llama-server', models: ['o'] },
  });
  const { a, b, c } = fleet.endpoints;
  await c.waitFor(() => c.loadedModels().length > 0);
  const endpoints = [entryOf(a), { ...entryOf(b), key: 'sk-SECRET' }, entryOf(c)];
  await using router = await startRouter({ endpoints, router_api_key: 'SECRET' }, ONCE);
  const headers = { Authorization: 'Bearer SECRET' };
  const answer = await router.ask('/api/config', { headers });
  assert.deepEqual(jsonOf(answer), {
    endpoints: [
      { url: a.url, status: 'ok', version: '0.24.0', kind: 'ollama' },
      { url: b.url, status: 'ok', version: 'latest', kind: 'openai' },
    ],
    llama_server_endpoints: [
      { url: c.url, status: 'ok', version: jsonOf(answer).llama_server_endpoints[0].version, kind: 'llama-server' },
    ],
    require_router_api_key: true,
  });
  for (const path of ['/api/config', '/health', '/api/usage', '/api/tags'])
    assert.doesNotMatch(textOf(await router.ask(path, { headers })), /SECRET/);
});

test('/api/usage counts the tokens of every protocol, streamed or not, by endpoint and model', async () => {
  await using fleet = await startFleet({
    a: { kind: 'ollama', models: ['m'] },
    b: { kind: 'llama-server', models: ['n'] },
    c: { kind: 'openai', models: ['o'] },
  });
  const { a, b, c } = fleet.endpoints;
  await b.waitFor(() => b.loadedModels().length > 0);
  await using router = await routerBefore([a, b, c]);
  assert.deepEqual(jsonOf(await router.ask('/api/usage')), { usage_counts: {}, token_usage_counts: {} });
  for (const model of ['m', 'n', 'o'])
    for (const path of ['/api/chat', '/v1/chat/completions'])
      for (const stream of [true, false])
        assert.equal((await router.ask(path, { body: { model, stream, messages: MESSAGES } })).status, 200);
  const spent = (endpoint: typeof a, model: string) => {
    const { prompt, completion } = endpoint.totals(model);
    return prompt + completion;
  };
  assert.deepEqual(jsonOf(await router.ask('/api/usage')), {
    usage_counts: {},
    token_usage_counts: {
      [a.url]: { 'm:latest': spent(a, 'm') },
      [b.url]: { n: spent(b, 'n') },
      [c.url]: { o: spent(c, 'o') },
    },
  });
});

describe('a model that cannot be had', () => {
  test('is a 503 with a time to try again where only an unreachable endpoint has it, a 404 where nobody has', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'] },
      b: { kind: 'ollama', models: ['n'] },
    });
    const { a, b } = fleet.endpoints;
    await using router = await routerBefore([a, b], {}, OFTEN);
    await a.stop();
    await eventually(async () => jsonOf(await router.ask('/health')).status === 'degraded');
    for (const [path, body] of [
      ['/api/chat', { model: 'm', messages: MESSAGES }],
      ['/api/generate', { model: 'm', prompt: 'x' }],
      ['/api/generate', { model: 'm' }],
      ['/api/generate', { model: 'm', keep_alive: 0 }],
      ['/api/show', { model: 'm' }],
      ['/v1/chat/completions', { model: 'm', messages: MESSAGES }],
    ] as const) {
      const answer = await router.ask(path, { body });
      assert.equal(answer.status, 503, path);
      assert.match(headerIn(answer, 'retry-after') ?? '', /^\d+$/);
      assert.match(textOf(answer), /model 'm' is only on 127\.0\.0\.1:\d+, which cannot be reached now/);
      const unknown = await router.ask(path, { body: { ...body, model: 'x' } });
      assert.equal(unknown.status, 404, path);
      const { error } = jsonOf(unknown);
      assert.equal(path.startsWith('/v1') ? error.message : error, "model 'x' not found");
    }
    assert.equal(asked(b).length, 0);
  });

  test('can be had again as soon as its endpoint is back, without a restart', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], loaded: ['m'] });
    await using router = await routerBefore([endpoint], {}, OFTEN);
    const status = async () => (await router.ask('/api/chat', { body: { model: 'm', messages: MESSAGES } })).status;
    assert.equal(await status(), 200);
    await endpoint.stop();
    await eventually(async () => (await status()) === 503);
    await endpoint.start();
    await eventually(async () => (await status()) === 200);
    assert.match(router.log.join('\n'), /unreachable: connection (?:refused|reset)[\s\S]*healthy, 1 models/);
  });
});

test('an endpoint that a request finds gone is asked again soon, however long healthy ones are left alone', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await using router = await routerBefore([endpoint], {}, ONCE);
  const status = async () =>
    (await router.ask('/v1/chat/completions', { body: { model: 'm', messages: MESSAGES } })).status;
  await endpoint.stop();
  assert.equal(await status(), 502);
  assert.equal(await status(), 503);
  await endpoint.start();
  await eventually(async () => (await status()) === 200);
});

describe('a request before the first probe', () => {
  test('waits for it', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    endpoint.faults.add({ on: { method: 'GET' }, delayMs: 100, times: 3 });
    for (const [path, body] of [
      ['/api/chat', { model: 'm', messages: MESSAGES }],
      ['/api/show', { model: 'm' }],
      ['/api/tags', undefined],
      ['/api/version', undefined],
      ['/v1/models/m', undefined],
    ] as const) {
      await using router = await startUnprobed({ endpoints: [entryOf(endpoint)] }, ONCE);
      const answer = await router.ask(path, body === undefined ? {} : { body });
      assert.equal(answer.status, 200, path);
      assert.match(textOf(answer), /"m(:latest)?"|"template"|0\.24\.0/);
    }
  });

  test('decides by what is known when an endpoint hangs for two seconds', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'] },
      b: { kind: 'ollama', models: ['n'] },
    });
    const { a, b } = fleet.endpoints;
    a.faults.add({ hang: true });
    await using router = await startUnprobed({ endpoints: [a, b].map(entryOf) }, { ...ONCE, timeout: 60_000 });
    const [known, unknown, tags] = await Promise.all([
      router.ask('/api/chat', { body: { model: 'n', messages: MESSAGES } }),
      router.ask('/api/chat', { body: { model: 'm', messages: MESSAGES } }),
      router.ask('/api/tags'),
    ]);
    assert.deepEqual([known.status, unknown.status, tags.status], [200, 404, 200]);
    assert.equal(jsonOf(tags).models.length, 1);
    assert.equal((await router.ask('/health')).status, 200);
  });
});
