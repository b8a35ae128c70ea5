import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { allLeft, asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { json } from '../support/streams.ts';
import { requestBytes, textOf } from '../support/wire.ts';

/** More than any buffer on the way holds: an answer of about 20 MB, a long line at a time. */
const LONG = { name: 'm', answer: `${'x'.repeat(20_000)} `.repeat(1_000) };
const MESSAGES = [{ role: 'user', content: 'x' }];
/** What sockets, streams and one read on each side may take, in bytes. */
const BUFFERS = 16 * 1024 * 1024;

for (const [kind, path, body] of [
  ['ollama', '/api/chat', { model: 'm', messages: MESSAGES }],
  ['openai', '/v1/chat/completions', { model: 'm', messages: MESSAGES, stream: true }],
  ['llama-server', '/api/chat', { model: 'm', messages: MESSAGES }],
] as const) {
  describe(`${path} on ${kind}`, () => {
    test('a client that stops reading stalls the endpoint, and gets everything when it reads on', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: [LONG] });
      await using router = await routerBefore([endpoint]);
      using client = await router.open();
      client.socket.pause();
      client.request(path, { body });
      await endpoint.waitFor(() => asked(endpoint).some(({ blocked }) => blocked));
      const stalledAt = onlyAsked(endpoint).responseBytes;
      assert.ok(stalledAt < BUFFERS, `${stalledAt} bytes were taken from the endpoint`);
      assert.equal((await router.ask('/api/tags')).status, 200);
      await endpoint.waitFor(() => asked(endpoint).some(({ blocked }) => blocked));
      client.socket.resume();
      const answer = await client.answer();
      assert.equal(answer.complete, true);
      assert.equal(textOf(answer).match(/x{20000}/g)?.length, 1_000);
      await router.idle();
    });

    test('a client that never reads is given up, and with it the request', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: [LONG] });
      await using router = await routerBefore([endpoint], { timeouts: { client_idle: '200ms' } });
      using client = await router.open();
      client.socket.pause();
      client.request(path, { body });
      await endpoint.waitFor(() => asked(endpoint).some(({ blocked }) => blocked));
      await allLeft(endpoint, 1);
      await router.idle();
    });
  });
}

test('a client that reads slowly, but reads, is not given up', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: [LONG] });
  await using router = await routerBefore([endpoint], { timeouts: { client_idle: '1s' } });
  using client = await router.open();
  client.socket.on('data', () => {
    client.socket.pause();
    setImmediate(() => client.socket.resume());
  });
  client.request('/api/chat', { body: { model: 'm', messages: MESSAGES } });
  assert.equal((await client.answer()).complete, true);
});

test('whole answers that are never read are given up', { timeout: 10_000 }, async () => {
  // So many that the system's own buffers cannot hold them.
  const many = 3;
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  endpoint.faults.add({ on: { method: 'POST' }, ...json(`{"done":true,"x":"${'y'.repeat(7e6)}"}`) });
  await using router = await routerBefore([endpoint], { timeouts: { client_idle: '200ms', drain: '1h' } });
  using client = await router.open();
  client.socket.pause();
  const ask = requestBytes('/api/chat', { body: { model: 'm', messages: MESSAGES, stream: false } });
  client.send(Buffer.concat(Array.from({ length: many }, () => ask)));
  await endpoint.waitFor(() => asked(endpoint).filter(({ answered }) => answered).length === many);
  await router.idle();
  await router.app.drain();
});

test('a client that has read everything is not given up because the endpoint is silent', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: [LONG] });
  await using router = await routerBefore([endpoint], { timeouts: { client_idle: '1s', idle: '3s' } });
  endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 990 });
  using client = await router.open();
  client.socket.pause();
  client.request('/api/chat', { body: { model: 'm', messages: MESSAGES } });
  await endpoint.waitFor(() => asked(endpoint).some(({ blocked }) => blocked));
  client.socket.resume();
  const answer = await client.answer();
  assert.equal(answer.complete, true);
  assert.match(textOf(answer), /\n\{"error":"the answer broke off: stalled for 3 s"\}\n$/);
});
