import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule, SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { asked, counts } from '../support/records.ts';
import { type Configured, type RunningRouter, routerBefore, startRouter } from '../support/router.ts';
import { type Peer, type Script, ScriptedServer } from '../support/scripted-server.ts';
import { headerIn, jsonOf, openWire, textOf } from '../support/wire.ts';

const FILE = Buffer.from('a file of some kind '.repeat(20_000));
const DIGEST = `sha256:${createHash('sha256').update(FILE).digest('hex')}`;
const PATH = `/api/blobs/${DIGEST}`;
const SOON = { timeouts: { connect: '1s', first_byte: '300ms', idle: '300ms' } };

function ollama(): Promise<SimulatedEndpoint> {
  return startSimulatedEndpoint({ kind: 'ollama', models: [] });
}

function named(...endpoints: readonly SimulatedEndpoint[]): Configured[] {
  return endpoints.map((at, index) => ({ at, name: `gpu-${'abc'[index]}` }));
}

/** A server that answers probes as an empty Ollama does, and anything else as the script says from the head on. */
function scripted(script: (peer: Peer, head: string) => Promise<void>): Promise<ScriptedServer> {
  const serve: Script = async (peer) => {
    for (;;) {
      const head = await peer.head();
      if (!head.startsWith('GET ')) return script(peer, head);
      const body = head.startsWith('GET /api/version') ? '{"version":"0.24.0"}' : '{"models":[]}';
      await peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  };
  return ScriptedServer.start(serve);
}

function before(...servers: readonly { readonly url: string }[]): Promise<RunningRouter> {
  return startRouter({
    endpoints: servers.map(({ url }, index) => ({ url, kind: 'ollama', name: `gpu-${'abc'[index]}` })),
  });
}

async function read(peer: Peer, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; ) left -= (await peer.some()).length;
}

test('a file goes to every target as it came, and then all have it', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using llama = await startSimulatedEndpoint({ kind: 'llama-server', models: ['x'] });
  await using router = await routerBefore([a, b, llama]);
  assert.equal((await router.ask(PATH, { method: 'HEAD' })).status, 404);
  const answer = await router.ask(PATH, { body: FILE });
  assert.deepEqual([answer.status, answer.body.length, headerIn(answer, 'content-length')], [201, 0, '0']);
  assert.deepEqual(counts(a, b, llama), [1, 1, 0]);
  for (const endpoint of [a, b]) assert.ok(asked(endpoint)[0]?.body.equals(FILE));
  assert.equal((await router.ask(PATH, { method: 'HEAD' })).status, 200);
});

test('a file without a known size goes on in chunks', async () => {
  await using a = await ollama();
  await using router = await routerBefore([a]);
  using wire = await openWire(router.port);
  wire.request(PATH, { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
  for (const piece of [FILE.subarray(0, 100_000), FILE.subarray(100_000)])
    wire.send(`${piece.length.toString(16)}\r\n`, piece, '\r\n');
  wire.send('0\r\n\r\n');
  assert.equal((await wire.answer()).status, 201);
  assert.ok(asked(a)[0]?.body.equals(FILE));
  const framing = asked(a)[0]?.headers.filter(([name]) => /^(transfer-encoding|content-length)$/i.test(name));
  assert.deepEqual(framing, [['Transfer-Encoding', 'chunked']]);
});

test('an empty file is a file', async () => {
  await using a = await ollama();
  await using router = await routerBefore([a]);
  const digest = createHash('sha256').digest('hex');
  assert.equal((await router.ask(`/api/blobs/sha256-${digest}`, { body: '' })).status, 201);
});

test('a client that asks first is told to go on', async () => {
  await using a = await ollama();
  await using router = await routerBefore([a]);
  using wire = await openWire(router.port);
  wire.request(PATH, {
    method: 'POST',
    headers: { Expect: '100-continue', 'Content-Length': String(FILE.length) },
  });
  await wire.until(() => wire.received.includes('HTTP/1.1 100 Continue\r\n\r\n'));
  wire.send(FILE);
  assert.equal((await wire.answer()).status, 201);
  assert.equal(
    asked(a)[0]?.headers.find(([name]) => name.toLowerCase() === 'expect'),
    undefined,
  );
});

test('a digest that is none is refused, as is a file with another one', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore([a, b]);
  const none = await router.ask('/api/blobs/sha256:0', { body: FILE });
  assert.deepEqual([none.status, jsonOf(none)], [400, { error: 'invalid digest format' }]);
  const wrong = await router.ask(`/api/blobs/sha256:${'0'.repeat(64)}`, { body: 'x' });
  assert.equal(wrong.status, 400);
  assert.match(jsonOf(wrong).error, /^digest mismatch, expected/);
});

test('a file that all have is answered before it is sent, and whoever sends it all the same may', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore([a, b]);
  await router.ask(PATH, { body: FILE });
  const size = 64 * 1024 * 1024;
  using wire = await openWire(router.port);
  wire.request(PATH, { method: 'POST', headers: { 'Content-Length': String(size) } });
  wire.send(FILE.subarray(0, 1000));
  const answer = await wire.answer();
  assert.deepEqual([answer.status, headerIn(answer, 'connection')], [200, 'close']);
  const taken = new Promise<unknown>((resolve) => wire.socket.write(Buffer.alloc(size - 1000), resolve));
  assert.ok(!((await taken) instanceof Error), 'the router took it all');
  await wire.end();
});

test('a file that one has goes to the other', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore(named(a, b));
  await router.ask(PATH, { body: FILE, headers: { 'x-nomyo-endpoint': 'gpu-a' } });
  assert.equal((await router.ask(PATH, { method: 'HEAD' })).status, 404);
  assert.equal((await router.ask(PATH, { body: FILE })).status, 201);
  assert.ok(asked(b)[0]?.body.equals(FILE));
});

test('an early 200 and a reset while the file is still sent is success', async () => {
  await using early = await scripted(async (peer) => {
    await peer.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    peer.reset();
  });
  await using b = await ollama();
  await using router = await before(early, b);
  assert.equal((await router.ask(PATH, { body: FILE })).status, 201);
  assert.ok(asked(b)[0]?.body.equals(FILE));
});

test('an upload that broke off after the file was stored is success', async () => {
  await using a = await ollama();
  await using router = await routerBefore([a]);
  a.faults.add({ on: { method: 'POST' }, cutAtByte: 0 });
  assert.equal((await router.ask(PATH, { body: FILE })).status, 200);
});

test('an answer that a reset has swallowed is asked for', async () => {
  await using rude = await scripted(async (peer, head) => {
    if (head.startsWith('HEAD')) return peer.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    await peer.some();
    peer.reset();
  });
  await using router = await before(rude);
  assert.equal((await router.ask(PATH, { body: FILE })).status, 200);
});

const FAULTS: readonly (readonly [string, FaultRule | 'stopped', number, RegExp])[] = [
  ['is dead', 'stopped', 502, /^gpu-b: connection refused/],
  ['hangs', { hang: true }, 504, /^gpu-b: sent nothing for 0.3 s/],
  ['refuses', { status: 507, body: { error: 'no space left on device' } }, 507, /^gpu-b: no space left on device/],
];

for (const [what, fault, status, words] of FAULTS) {
  test(`where one of two ${what}, the other gets the file and the failure is named`, async () => {
    await using a = await ollama();
    await using b = await ollama();
    await using router = await routerBefore(named(a, b), SOON);
    if (fault === 'stopped') await b.stop();
    else b.faults.add({ ...fault, on: { method: 'POST' } });
    const answer = await router.ask(PATH, { body: FILE });
    assert.equal(answer.status, status);
    assert.match(jsonOf(answer).error, words);
    assert.match(jsonOf(answer).error, /\(succeeded on: gpu-a\)$/);
    assert.ok(asked(a)[0]?.body.equals(FILE));
  });
}

test('where one of two cannot say whether it has the file, that is an error, unless the other has it not', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore(named(a, b), SOON);
  b.faults.add({ on: { method: 'HEAD' }, hang: true });
  assert.equal((await router.ask(PATH, { method: 'HEAD' })).status, 404);
  await router.ask(PATH, { body: FILE });
  assert.equal((await router.ask(PATH, { method: 'HEAD' })).status, 504);
  await b.stop();
  const both = { 'x-nomyo-endpoint': 'gpu-a,gpu-b' };
  assert.equal((await router.ask(PATH, { method: 'HEAD', headers: both })).status, 502);
  assert.equal((await router.ask(PATH, { method: 'HEAD' })).status, 200);
});

test('where all targets fail, the client that still sends is told at once', async () => {
  await using a = await ollama();
  await using router = await routerBefore(named(a), SOON);
  await a.stop();
  using wire = await openWire(router.port);
  wire.request(PATH, { method: 'POST', headers: { 'Content-Length': String(FILE.length) } });
  wire.send(FILE.subarray(0, 1000));
  const answer = await wire.answer();
  assert.deepEqual([answer.status, jsonOf(answer)], [502, { error: 'gpu-a: connection refused' }]);
  wire.send(FILE.subarray(1000));
  wire.request('/api/version');
  assert.equal((await wire.answer()).status, 200);
});

test('a target that fails midway holds nobody up', async () => {
  await using broken = await scripted(async (peer, head) => {
    if (!head.startsWith('POST')) return peer.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
    await read(peer, 100_000);
    peer.reset();
  });
  await using b = await ollama();
  await using router = await before(broken, b);
  const answer = await router.ask(PATH, { body: FILE });
  assert.equal(answer.status, 502);
  assert.match(jsonOf(answer).error, /^gpu-a: .* \(succeeded on: gpu-b\)$/);
  assert.ok(asked(b)[0]?.body.equals(FILE));
});

test('the slowest target sets the pace, and no more is read from the client than fits', async () => {
  const goOn = Promise.withResolvers<void>();
  const size = 64 * 1024 * 1024;
  await using slow = await scripted(async (peer) => {
    peer.socket.pause();
    await goOn.promise;
    peer.socket.resume();
    await read(peer, size);
    await peer.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
  });
  let fastGot = 0;
  await using fast = await scripted(async (peer) => {
    while (fastGot < size) fastGot += (await peer.some()).length;
    await peer.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
  });
  await using router = await before(slow, fast);
  using wire = await openWire(router.port);
  wire.request(PATH, { method: 'POST', headers: { 'Content-Length': String(size) } });
  let sent = 0;
  const piece = Buffer.alloc(1024 * 1024);
  const pump = async () => {
    for (; sent < size; sent += piece.length)
      if (!wire.socket.write(piece)) await new Promise((resolve) => wire.socket.once('drain', resolve));
  };
  const pumped = pump();
  // Requests that are answered meanwhile show that time passes; the upload comes to a standstill.
  for (let last = -1, same = 0; same < 20; same = last === sent ? same + 1 : 0) {
    last = sent;
    await router.ask('/api/tags');
  }
  assert.ok(sent < size / 2, `${sent} bytes were taken`);
  assert.ok(fastGot < size / 2, `${fastGot} bytes were passed on`);
  goOn.resolve();
  await pumped;
  assert.equal((await wire.answer()).status, 201);
  assert.equal(fastGot, size);
});

test('a client that leaves in the middle of its file leaves every target', async () => {
  const [came, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let [uploads, left] = [0, 0];
  const target = () =>
    scripted(async (peer) => {
      await read(peer, 1000);
      if (++uploads === 2) came.resolve();
      await peer.closed;
      if (++left === 2) gone.resolve();
    });
  await using a = await target();
  await using b = await target();
  await using router = await before(a, b);
  using wire = await openWire(router.port);
  wire.request(PATH, { method: 'POST', headers: { 'Content-Length': '1000000' } });
  wire.send(Buffer.alloc(1000));
  await came.promise;
  wire.leave();
  await gone.promise;
});

test('a model is made where its file was sent', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore(named(a, b));
  await router.ask(PATH, { body: FILE, headers: { 'x-nomyo-endpoint': 'gpu-b' } });
  a.forgetRequests();
  b.forgetRequests();
  const body = { model: 'mine', files: { 'x.gguf': DIGEST.replace(':', '-') } };
  assert.match(textOf(await router.ask('/api/create', { body })), /\{"status":"success"\}\n$/);
  assert.deepEqual(counts(a, b), [0, 1]);
  const elsewhere = await router.ask('/api/create', { body, headers: { 'x-nomyo-endpoint': 'gpu-a' } });
  assert.match(textOf(elsewhere), /"error":"open .*: no such file or directory"/);
});
