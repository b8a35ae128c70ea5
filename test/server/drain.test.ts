import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { allLeft, asked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { json } from '../support/streams.ts';
import { requestBytes, textOf } from '../support/wire.ts';

const SLOW = { prefillTokensPerSecond: Number.POSITIVE_INFINITY, decodeTokensPerSecond: 50 };
const chat = (tokens: number, stream = true) => ({
  body: { model: 'm', stream, messages: [{ role: 'user', content: `say ${tokens} tokens` }] },
});

test('a drain lets the requests in flight finish and takes no new connection', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], slots: 4, speed: SLOW });
  await using router = await routerBefore([endpoint]);
  using stream = await router.open();
  using whole = await router.open();
  using idle = await router.open();
  using silent = await router.open();
  idle.request('/api/tags');
  await idle.answer();
  stream.request('/api/chat', chat(20));
  whole.request('/api/chat', chat(20, false));
  await endpoint.waitFor(() => endpoint.inFlight() === 2);
  const drained = router.app.drain();
  const late = connect(router.port, '127.0.0.1');
  const [error] = await once(late, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  for (const client of [stream, whole]) assert.match(textOf(await client.answer()), /"done":true/);
  await drained;
  await Promise.all([stream, whole, idle, silent].map((client) => client.end()));
  assert.ok(asked(endpoint).every(({ answered, clientLeft }) => answered && !clientLeft));
});

test('a drain waits for a client that still reads its answer', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  endpoint.faults.add({ on: { method: 'POST' }, ...json(`{"done":true,"x":"${'y'.repeat(7e6)}"}`) });
  await using router = await routerBefore([endpoint]);
  using client = await router.open();
  client.socket.pause();
  // So many that the system's own buffers cannot hold them.
  const many = 3;
  client.send(Buffer.concat(Array.from({ length: many }, () => requestBytes('/api/chat', chat(1, false)))));
  await endpoint.waitFor(() => asked(endpoint).filter(({ answered }) => answered).length === many);
  await router.idle();
  const drained = router.app.drain();
  client.socket.resume();
  for (let i = 0; i < many; i++) assert.equal((await client.answer()).complete, true);
  await drained;
});

test('a drain cuts off what takes longer than its limit', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], speed: SLOW });
  await using router = await routerBefore([endpoint], { timeouts: { drain: '100ms' } });
  using client = await router.open();
  client.request('/api/chat', chat(100_000));
  await endpoint.waitFor(() => asked(endpoint).some(({ tokens }) => tokens > 1));
  await router.app.drain();
  await client.end();
  assert.doesNotMatch(client.received.toString(), /"done":true|\r\n0\r\n\r\n$/);
  await allLeft(endpoint, 1);
});

test('the process ends by itself when it is drained', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  const script = `
    import { createApp } from './src/app.ts';
    import { defaultConfig } from './src/config/load.ts';
    const log = { endpointChanged() {}, request() {}, storeChanged() {}, fault(error) { throw error; } };
    const settings = { port: 0, db_path: 'none', endpoints: [{ url: '${endpoint.url}' }] };
    const app = createApp(defaultConfig(settings), { log });
    const { port } = await app.listen();
    await app.probed(10_000);
    const answer = await fetch('http://127.0.0.1:' + port + '/api/chat', { method: 'POST', body: '${JSON.stringify(chat(3).body)}' });
    process.stdout.write(await answer.text());
    await app.drain();`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (bytes) => (said += bytes));
  const [code] = await once(child, 'close', { signal: AbortSignal.timeout(20_000) });
  assert.equal(code, 0);
  assert.match(said, /"done":true/);
});
