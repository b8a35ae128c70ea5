import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { allLeft, asked, counts } from '../support/records.ts';
import { entryOf, eventually, ONCE, routerBefore, startUnprobed } from '../support/router.ts';
import { headerIn } from '../support/wire.ts';

/** So that an answer is still under way when its client leaves. */
const UNHURRIED = { prefillTokensPerSecond: Number.POSITIVE_INFINITY, decodeTokensPerSecond: 20 };
const ENDLESS = [{ role: 'user', content: 'say 1000 tokens' }];
const CASES: readonly (readonly [EndpointKind, string, object])[] = [
  ['ollama', '/api/chat', { model: 'm', messages: ENDLESS }],
  ['ollama', '/api/chat', { model: 'm', messages: ENDLESS, stream: false }],
  ['ollama', '/v1/chat/completions', { model: 'm', messages: ENDLESS, stream: true }],
  ['openai', '/v1/chat/completions', { model: 'm', messages: ENDLESS, stream: true }],
  ['llama-server', '/api/chat', { model: 'm', messages: ENDLESS }],
  ['vllm', '/api/generate', { model: 'm', prompt: 'say 1000 tokens', stream: false }],
];

for (const [kind, path, body] of CASES) {
  describe(`a client that leaves ${path} on ${kind} (${JSON.stringify(body).includes('"stream":false') ? 'whole' : 'stream'})`, () => {
    test('before the first byte frees its slot and aborts the endpoint', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({ on: { method: 'POST' }, hang: true, times: 1 });
      using client = await router.open();
      client.request(path, { body });
      await endpoint.waitFor(() => asked(endpoint).some(({ bodyComplete }) => bodyComplete));
      assert.deepEqual(await router.inFlight(), { [endpoint.url]: { [kind === 'ollama' ? 'm:latest' : 'm']: 1 } });
      client.leave();
      await allLeft(endpoint, 1);
      assert.deepEqual(await router.inFlight(), {});
      assert.equal(
        router.log.some((line) => line.includes('unreachable')),
        false,
      );
    });

    test('in the middle of the answer frees its slot and aborts the endpoint', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'], speed: UNHURRIED });
      await using router = await routerBefore([endpoint]);
      using client = await router.open();
      client.request(path, { body });
      await endpoint.waitFor(() => endpoint.inFlight() === 1);
      client.leave();
      await allLeft(endpoint, 1);
      await endpoint.waitFor(() => endpoint.inFlight() === 0);
      assert.deepEqual(await router.inFlight(), {});
      assert.deepEqual((await router.ask('/health')).status, 200);
    });
  });
}

test('a client that leaves while the first probes are awaited asks no endpoint', async () => {
  await using slow = await startSimulatedEndpoint({ kind: 'openai', models: ['other'] });
  slow.faults.add({ on: { method: 'GET' }, hang: true });
  await using quick = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  quick.faults.add({ on: { method: 'GET' }, delayMs: 50 });
  const endpoints = [entryOf(slow), entryOf(quick)];
  await using router = await startUnprobed({ endpoints }, { ...ONCE, timeout: 300 });
  const body = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
  using client = await router.open();
  client.request('/v1/chat/completions', { body });
  await router.ask('/health/live');
  client.leave();
  await router.app.probed(10_000);
  assert.equal((await router.ask('/v1/chat/completions', { body })).status, 200);
  assert.deepEqual(counts(slow, quick), [0, 1]);
  assert.deepEqual(await router.inFlight(), {});
});

test('a client that leaves in the middle of its own request asks no endpoint', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  using client = await router.open();
  client.send('POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"model":');
  await router.ask('/health/live');
  client.leave();
  assert.deepEqual(await router.inFlight(), {});
  assert.deepEqual(counts(endpoint), [0]);
});

test('sixty-four clients that leave at once change nothing for the sixty-fifth', async () => {
  await using a = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], slots: 100, speed: UNHURRIED });
  await using b = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'], slots: 100, speed: UNHURRIED });
  await using router = await routerBefore([
    { at: a, slots: 50 },
    { at: b, slots: 50 },
  ]);
  const body = { model: 'm', messages: [{ role: 'user', content: 'say 1000 tokens' }] };
  const clients = await Promise.all(Array.from({ length: 64 }, () => router.open()));
  for (const client of clients) client.request('/api/chat', { body });
  await eventually(() => a.inFlight() + b.inFlight() === 64);
  for (const client of clients) client.leave();
  await router.idle();
  await Promise.all([a, b].map((endpoint) => endpoint.waitFor(() => endpoint.inFlight() === 0)));
  const answer = await router.ask('/api/chat', { body: { model: 'm', messages: [{ role: 'user', content: 'x' }] } });
  assert.equal(answer.status, 200);
  assert.equal(headerIn(answer, 'content-type'), 'application/x-ndjson');
  assert.deepEqual(
    router.app.states().map(({ health }) => health),
    ['healthy', 'healthy'],
  );
  assert.equal(router.log.filter((line) => line.includes('unreachable')).length, 0);
});
