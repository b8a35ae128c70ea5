import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask } from '../contract/ask.ts';

const body = { model: 'm', messages: [{ role: 'user', content: 'hello' }], stream: true };

function started(kind: SimulatedEndpointOptions['kind'] = 'ollama'): Promise<SimulatedEndpoint> {
  return startSimulatedEndpoint({ kind, models: ['m'] });
}

/** Everything that comes over a plain connection until it closes, and in which pieces. */
async function raw(endpoint: SimulatedEndpoint, fields: object = body): Promise<{ all: string; pieces: string[] }> {
  const socket = connect(endpoint.port, '127.0.0.1');
  const pieces: string[] = [];
  socket.on('data', (chunk) => pieces.push(chunk.toString('latin1')));
  const json = JSON.stringify(fields);
  socket.write(
    `POST /api/chat HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
  );
  await new Promise((resolve) => socket.once('close', resolve));
  return { all: pieces.join(''), pieces };
}

test('a fault acts on the requests it is meant for, as often as it is told, after those it skips', async () => {
  await using endpoint = await started();
  endpoint.faults.add({
    on: { path: '/api/tags' },
    skip: 1,
    times: 2,
    status: 500,
    body: { error: 'no' },
    headers: { 'X-Why': 'test' },
  });
  const statuses: number[] = [];
  for (let i = 0; i < 4; i++) statuses.push((await ask(endpoint.url, '/api/tags')).status);
  assert.deepEqual(statuses, [200, 500, 500, 200]);
  endpoint.faults.add({ on: { model: 'm', method: 'POST' }, status: 429, body: 'slow down' });
  assert.equal((await ask(endpoint.url, '/api/tags')).status, 200);
  const refused = await ask(endpoint.url, '/api/chat', { body });
  assert.deepEqual([refused.status, refused.text], [429, 'slow down']);
  endpoint.faults.clear();
  assert.equal((await ask(endpoint.url, '/api/chat', { body })).status, 200);
});

test('an ordered answer has its own headers', async () => {
  await using endpoint = await started();
  endpoint.faults.add({ status: 503, body: { error: 'no' }, headers: { 'Retry-After': '7' } });
  const answer = await ask(endpoint.url, '/api/tags');
  assert.deepEqual([answer.headers['retry-after'], answer.json()], ['7', { error: 'no' }]);
});

test('a cut answer ends where it was cut', async () => {
  await using endpoint = await started();
  endpoint.faults.add({ cutAtByte: 0, times: 1 });
  assert.equal((await raw(endpoint)).all, '');
  endpoint.faults.add({ cutAtByte: 'head', times: 1 });
  assert.match((await raw(endpoint)).all, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
  endpoint.faults.add({ cutAtByte: 25, times: 1 });
  const cut = await raw(endpoint);
  assert.equal(
    cut.all
      .replace(/^.*?\r\n\r\n/s, '')
      .replace(/^19\r\n/, '')
      .trimEnd().length,
    25,
  );
  assert.deepEqual(
    endpoint.requests.map((request) => [request.responseBytes, request.clientLeft]),
    [
      [0, false],
      [0, false],
      [25, false],
    ],
  );
});

test('a split answer is the same answer in other pieces', async () => {
  await using endpoint = await started();
  const whole = await ask(endpoint.url, '/api/tags');
  for (const rule of [{ oneByteWrites: true }, { splitAt: [1, 10, 11, 5000] }] as const) {
    endpoint.faults.add({ ...rule, times: 1 });
    assert.equal((await ask(endpoint.url, '/api/tags')).text, whole.text);
  }
  endpoint.faults.add({ oneByteWrites: true });
  const chat = await ask(endpoint.url, '/api/chat', { body });
  assert.equal(chat.lines().at(-1).done, true);
});

test('the pieces of a split answer are read one by one, its head alone', async () => {
  await using endpoint = await started();
  for (const [rule, sizes] of [
    [{ oneByteWrites: true }, Array.from({ length: 22 }, () => 1)],
    [{ splitAt: [1, 10, 11] }, [1, 9, 1, 11]],
  ] as const) {
    endpoint.faults.add({ ...rule, status: 200, body: '{"done":true,"text":1}', times: 1 });
    const [head, ...pieces] = (await raw(endpoint)).pieces;
    assert.match(head ?? '', /\r\n\r\n$/);
    assert.deepEqual(
      pieces.map((piece) => piece.length),
      sizes,
    );
  }
  endpoint.faults.add({ oneByteWrites: true });
  const [head, ...chunks] = (await raw(endpoint)).pieces;
  assert.match(head ?? '', /Transfer-Encoding: chunked\r\n(?:.*\r\n)?\r\n$/s);
  assert.equal(chunks.pop(), '0\r\n\r\n');
  assert.ok(chunks.length > 100 && chunks.every((chunk) => /^1\r\n.\r\n$/s.test(chunk)));
});

test('an answer in the middle of which the model breaks ends as its kind ends it', async () => {
  const rule = { errorAfterTokens: { count: 2, message: 'boom' } };
  {
    await using ollama = await started();
    ollama.faults.add(rule);
    const lines = (await ask(ollama.url, '/api/chat', { body })).lines();
    assert.deepEqual([lines.length, lines.at(-1)], [3, { error: 'boom' }]);
    const whole = await ask(ollama.url, '/api/chat', { body: { ...body, stream: false } });
    assert.deepEqual([whole.status, whole.json()], [500, { error: 'boom' }]);
    const records = (await ask(ollama.url, '/v1/chat/completions', { body })).records();
    assert.deepEqual(
      JSON.parse(records.at(-1) ?? '').choices[0].delta.content,
      '',
      'swallowed: an empty record and no [DONE]',
    );
  }
  {
    await using llama = await started('llama-server');
    llama.faults.add(rule);
    const records = (await ask(llama.url, '/v1/chat/completions', { body })).records();
    assert.deepEqual(JSON.parse(records.at(-1) ?? ''), { error: { code: 500, message: 'boom', type: 'server_error' } });
  }
  {
    await using vllm = await started('vllm');
    vllm.faults.add(rule);
    const records = (await ask(vllm.url, '/v1/chat/completions', { body })).records();
    assert.equal(records.at(-1), '[DONE]');
    assert.equal(JSON.parse(records.at(-2) ?? '').error.message, 'boom');
  }
  {
    await using openai = await started('openai');
    openai.faults.add(rule);
    const records = (await ask(openai.url, '/v1/chat/completions', { body })).records();
    assert.equal(JSON.parse(records.at(-1) ?? '').error.type, 'server_error');
  }
});

test('a model that breaks before its first token gives a real status', async () => {
  for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
    await using endpoint = await started(kind);
    endpoint.faults.add({ errorAfterTokens: { count: 0, message: 'boom' } });
    const path = kind === 'ollama' ? '/api/chat' : '/v1/chat/completions';
    assert.equal((await ask(endpoint.url, path, { body })).status, 500, kind);
  }
});

test('a stream may end silently, without its terminal object', async () => {
  for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
    await using endpoint = await started(kind);
    endpoint.faults.add({ silentEndAfterTokens: 2 });
    const answer = await ask(endpoint.url, kind === 'ollama' ? '/api/chat' : '/v1/chat/completions', { body });
    assert.equal(answer.status, 200);
    assert.ok(!answer.text.includes('[DONE]') && !answer.text.includes('"done":true'), kind);
  }
});

test('a stalled answer holds its slot until the client leaves', async () => {
  await using endpoint = await started();
  endpoint.faults.add({ stallAfterTokens: 3 });
  const socket = connect(endpoint.port, '127.0.0.1');
  const json = JSON.stringify(body);
  socket.write(`POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${json.length}\r\n\r\n${json}`);
  await endpoint.waitFor(([request]) => request?.tokens === 3);
  assert.equal(endpoint.inFlight('m'), 1);
  socket.destroy();
  await endpoint.waitFor(([request]) => request?.clientLeft === true && endpoint.inFlight() === 0);
});

test('a request that hangs is read and never answered', async () => {
  await using endpoint = await started();
  endpoint.faults.add({ hang: true });
  const socket = connect(endpoint.port, '127.0.0.1');
  socket.write('GET /api/tags HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await endpoint.waitFor(([request]) => request?.bodyComplete === true);
  assert.equal(endpoint.requests[0]?.status, undefined);
  socket.destroy();
  await endpoint.waitFor(([request]) => request?.endedAt !== undefined);
});

test('a connection can be closed after its answer, or reset at once', async () => {
  await using endpoint = await started();
  endpoint.faults.add({ closeAfterResponse: true, times: 1 });
  assert.equal((await ask(endpoint.url, '/api/tags')).headers.connection, 'close');
  endpoint.faults.add({ refuseConnections: true, times: 1 });
  await assert.rejects(ask(endpoint.url, '/api/tags'), { code: 'ECONNRESET' });
  assert.equal((await ask(endpoint.url, '/api/tags')).status, 200);
});

test('a stopped endpoint refuses connections and listens again on its port', async () => {
  await using endpoint = await started();
  const { port } = endpoint;
  const idle = connect(port, '127.0.0.1');
  await new Promise((resolve) => idle.once('connect', resolve));
  const closed = text(idle);
  await endpoint.stop();
  await closed;
  await assert.rejects(ask(endpoint.url, '/api/tags'), { code: 'ECONNREFUSED' });
  await endpoint.start();
  assert.equal(endpoint.port, port);
  assert.equal((await ask(endpoint.url, '/api/tags')).status, 200);
});
