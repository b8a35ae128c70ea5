import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { ask } from '../contract/ask.ts';

const chat = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };
const forEver = { ...chat, messages: [{ role: 'user', content: 'say 900000 tokens' }] };

function sendChat(port: number, body: object): Socket {
  const json = JSON.stringify(body);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /api/chat HTTP/1.1\r\nHOST: localhost\r\nx-Odd: a\r\nx-Odd: b\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`,
  );
  return socket;
}

test('a request is recorded with its headers as sent, its bytes and its answer', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  const socket = sendChat(endpoint.port, { ...chat, stream: false, extra: 'ä' });
  await endpoint.waitFor(([first]) => first?.answered === true);
  const [recorded] = endpoint.requests;
  assert.deepEqual(recorded?.headers.slice(0, 3), [
    ['HOST', 'localhost'],
    ['x-Odd', 'a'],
    ['x-Odd', 'b'],
  ]);
  assert.equal(recorded?.body.toString(), JSON.stringify({ ...chat, stream: false, extra: 'ä' }));
  assert.deepEqual(
    [recorded?.method, recorded?.path, recorded?.model, recorded?.status],
    ['POST', '/api/chat', 'm', 200],
  );
  assert.ok((recorded?.responseBytes ?? 0) > 100);
  assert.equal(recorded?.tokens, 12);
  assert.equal(recorded?.clientLeft, false);
  assert.equal(recorded?.socketClosedAt, undefined, 'the connection stays open');
  socket.destroy();
  await endpoint.waitFor(([first]) => first?.socketClosedAt !== undefined);
});

test('requests on a kept connection carry its number', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 2; i++) {
    await new Promise((resolve) => {
      request(`${endpoint.url}/api/version`, { agent }, (response) => response.resume().once('end', resolve)).end();
    });
  }
  agent.destroy();
  assert.deepEqual(
    endpoint.requests.map(({ connection }) => connection),
    [1, 1],
  );
});

test('a client that leaves frees its slot', async () => {
  for (const leave of [
    (socket: Socket) => socket.destroy(),
    (socket: Socket) => socket.end(),
    (socket: Socket) => socket.resetAndDestroy(),
  ]) {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    const socket = sendChat(endpoint.port, forEver).resume();
    await endpoint.waitFor(([first]) => (first?.tokens ?? 0) > 10);
    assert.equal(endpoint.inFlight('m'), 1);
    leave(socket);
    await endpoint.waitFor(([first]) => first?.clientLeft === true && endpoint.inFlight() === 0);
    socket.destroy();
  }
});

test('a client that leaves without having been sent anything frees its slot too', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  const socket = sendChat(endpoint.port, { ...forEver, stream: false });
  await endpoint.waitFor(() => endpoint.inFlight('m') === 1);
  socket.destroy();
  await endpoint.waitFor(([first]) => first?.clientLeft === true && endpoint.inFlight() === 0);
  assert.ok((endpoint.requests[0]?.tokens ?? 0) < 900_000);
});

test('a client that leaves before its answer begins is seen too, and one that waits for a slot', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], loadMs: 60_000 });
  const loading = sendChat(endpoint.port, chat);
  await endpoint.waitFor(([first]) => first?.bodyComplete === true);
  const waiting = sendChat(endpoint.port, chat);
  await endpoint.waitFor(() => endpoint.waiting() === 1);
  waiting.destroy();
  await endpoint.waitFor(() => endpoint.waiting() === 0);
  loading.destroy();
  await endpoint.waitFor((requests) => requests.every((each) => each.clientLeft && each.status === undefined));
  assert.deepEqual(endpoint.loadedModels(), [], 'a load ends when its client leaves');
});

test('generation stands still while its client does not read', async () => {
  const answer = Array.from({ length: 400 }, (_, i) => `${i}${'x'.repeat(64_000)}`).join(' ');
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: [{ name: 'm', answer }] });
  const socket = sendChat(endpoint.port, chat).pause();
  await endpoint.waitFor(([first]) => first?.blocked === true);
  const [recorded] = endpoint.requests;
  assert.ok((recorded?.tokens ?? 0) < 400);
  assert.equal(endpoint.inFlight('m'), 1, 'it holds its slot');
  socket.resume();
  await endpoint.waitFor(([first]) => first?.answered === true);
  assert.deepEqual([recorded?.tokens, (recorded?.blockedCount ?? 0) > 0], [400, true]);
  socket.destroy();
});

test('a body that ends early is no request', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  const socket = connect(endpoint.port, '127.0.0.1');
  socket.write('POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"model":');
  await endpoint.waitFor((requests) => requests.length === 1);
  socket.destroy();
  await endpoint.waitFor(([first]) => first?.clientLeft === true);
  assert.deepEqual([endpoint.requests[0]?.bodyComplete, endpoint.requests[0]?.status], [false, undefined]);
});

test('waiting for what never comes ends with what did', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama' });
  await ask(endpoint.url, '/api/version');
  await assert.rejects(
    endpoint.waitFor((requests) => requests.length === 2, 20),
    /GET \/api\/version 200/,
  );
  endpoint.forgetRequests();
  assert.equal(endpoint.requests.length, 0);
});
