import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule, SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { allLeft, asked, counts } from '../support/records.ts';
import { type Configured, type RunningRouter, routerBefore, startRouter } from '../support/router.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { headerIn, type Json, jsonOf, openWire, textOf, type WireAnswer, type WireRequest } from '../support/wire.ts';

const MODEL = { name: 'big', size: 1_000_000 };
const MORE = { limits: {}, timeouts: { connect: '1s', first_byte: '300ms', idle: '300ms' } };

function ollama(options: Partial<SimulatedEndpointOptions> = {}): Promise<SimulatedEndpoint> {
  return startSimulatedEndpoint({ kind: 'ollama', registry: [MODEL], ...options });
}

function linesOf(answer: WireAnswer): Json[] {
  assert.equal(answer.complete, true);
  return textOf(answer)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function models(router: RunningRouter): string[] {
  return router.app.states().flatMap(({ findings }) => (findings?.models ?? []).map(({ id }) => id));
}

const PULL: WireRequest = { body: { model: '', username: '', password: '', name: 'big' } };

function named(a: SimulatedEndpoint, b: SimulatedEndpoint): Configured[] {
  return [
    { at: a, name: 'gpu-a' },
    { at: b, name: 'gpu-b' },
  ];
}

test('a pull goes to every Ollama endpoint, and its progress comes as one stream', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using llama = await startSimulatedEndpoint({ kind: 'llama-server', models: ['x'] });
  await using openai = await startSimulatedEndpoint({ kind: 'openai', models: ['y'] });
  await using router = await routerBefore([a, b, llama, openai]);
  const answer = await router.ask('/api/pull', PULL);
  const lines = linesOf(answer);
  assert.deepEqual([answer.status, headerIn(answer, 'content-type')], [200, 'application/x-ndjson']);
  assert.deepEqual(counts(a, b, llama, openai), [1, 1, 0, 0]);
  assert.deepEqual(lines[0], { status: 'pulling manifest' });
  assert.deepEqual(lines.slice(-3), [
    { status: 'verifying sha256 digest' },
    { status: 'writing manifest' },
    { status: 'success' },
  ]);
  const layer = lines.filter(({ digest }) => digest !== undefined);
  assert.deepEqual([layer.at(-1).total, layer.at(-1).completed], [2_000_000, 2_000_000]);
  assert.match(layer[0].digest, /^sha256:[0-9a-f]{64}$/);
});

test('a model is listed as soon as its pull has succeeded', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore([a, b]);
  await router.ask('/api/pull', { body: { name: 'big', stream: false } });
  assert.deepEqual(models(router), ['big:latest', 'big:latest']);
  const tags = jsonOf(await router.ask('/api/tags'));
  assert.deepEqual(
    tags.models.map(({ name }: Json) => name),
    ['big:latest'],
  );
});

test('whoever wants no progress gets one object', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore([a, b]);
  const answer = await router.ask('/api/pull', { body: { name: 'big', stream: false } });
  assert.deepEqual(
    [answer.status, headerIn(answer, 'content-type'), jsonOf(answer)],
    [200, 'application/json', { status: 'success' }],
  );
});

test('any content type will do', async () => {
  await using a = await ollama();
  await using router = await routerBefore([a]);
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const answer = await router.ask('/api/pull', { ...PULL, headers });
  assert.deepEqual(linesOf(answer).at(-1), { status: 'success' });
});

test('create makes the model on every target', async () => {
  await using a = await ollama({ models: ['base'] });
  await using b = await ollama({ models: ['base'] });
  await using router = await routerBefore([a, b]);
  const lines = linesOf(await router.ask('/api/create', { body: { model: 'mine', from: 'base' } }));
  assert.deepEqual(lines.at(-1), { status: 'success' });
  assert.deepEqual(models(router).toSorted(), ['base:latest', 'base:latest', 'mine:latest', 'mine:latest']);
});

/** What goes wrong on gpu-b, and the words for it. */
const FAULTS: readonly (readonly [string, FaultRule | 'stopped', RegExp])[] = [
  ['is dead', 'stopped', /gpu-b: connection refused/],
  ['refuses', { status: 503, body: { error: 'busy' } }, /gpu-b: busy/],
  ['hangs', { hang: true }, /gpu-b: sent nothing for 0.3 s/],
  ['fails midway', { errorAfterTokens: { count: 2, message: 'no space left on device' } }, /gpu-b: no space left/],
  ['stalls midway', { stallAfterTokens: 2 }, /gpu-b: stalled for 0.3 s/],
  ['ends early', { silentEndAfterTokens: 2 }, /gpu-b: ended the task early/],
  ['breaks off', { cutAtByte: 60 }, /gpu-b: (closed the connection early|connection reset)/],
  ['talks nonsense', { status: 200, body: '<html>' }, /gpu-b: sent a line that is no JSON object/],
];

for (const path of ['/api/pull', '/api/create']) {
  for (const [what, fault, words] of FAULTS) {
    test(`${path}: where one of two ${what}, the other finishes and the failure comes last`, async () => {
      await using a = await ollama({ models: ['base'] });
      await using b = await ollama({ models: ['base'] });
      await using router = await routerBefore(named(a, b), MORE);
      if (fault === 'stopped') await b.stop();
      else b.faults.add({ ...fault, on: { path } });
      const body = path === '/api/pull' ? { name: 'big' } : { model: 'big', from: 'base' };
      const lines = linesOf(await router.ask(path, { body }));
      const { error, ...rest } = lines.at(-1);
      assert.match(error, words);
      assert.match(error, /\(succeeded on: gpu-a\)$/);
      assert.deepEqual(rest, {});
      assert.deepEqual(
        lines.filter(({ status, error: said }) => status === 'success' || said !== undefined),
        [{ error }],
      );
      assert.ok(models(router).includes('big:latest'), 'the catalog knows what was done');
    });

    test(`${path}: where one of two ${what} and nobody wants progress, the status says so`, async () => {
      await using a = await ollama({ models: ['base'] });
      await using b = await ollama({ models: ['base'] });
      await using router = await routerBefore(named(a, b), MORE);
      if (fault === 'stopped') await b.stop();
      else b.faults.add({ ...fault, on: { path } });
      const answer = await router.ask(path, { body: { model: 'big', from: 'base', stream: false } });
      assert.ok(answer.status >= 500, String(answer.status));
      assert.match(jsonOf(answer).error, words);
      assert.ok(models(router).includes('big:latest'), 'the other one finished');
    });
  }
}

test('while others get on, a line tells that one has failed', async () => {
  await using a = await ollama({ pullMs: 400 });
  await using b = await ollama();
  await using router = await routerBefore(named(a, b));
  b.faults.add({ on: { path: '/api/pull' }, status: 500, body: { error: 'full' } });
  const lines = linesOf(await router.ask('/api/pull', PULL));
  assert.ok(lines.some(({ status }) => status === 'gpu-b: failed - full'));
});

test('where all refuse before a line was sent, the client gets the status, and their words where they agree', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore(named(a, b));
  const invalid = await router.ask('/api/pull', { body: { name: 'a b' } });
  assert.deepEqual([invalid.status, jsonOf(invalid)], [400, { error: 'invalid model name' }]);
  b.faults.add({ on: { path: '/api/pull' }, status: 507, body: { error: 'full' } });
  const differing = await router.ask('/api/pull', { body: { name: 'a b' } });
  assert.deepEqual([differing.status, jsonOf(differing)], [507, { error: 'gpu-a: invalid model name; gpu-b: full' }]);
});

test('what no other target has come to is not said where all fail in the end', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore(named(a, b), MORE);
  b.faults.add({ on: { path: '/api/pull' }, hang: true });
  const answer = await router.ask('/api/pull', { body: { name: 'none' } });
  const error = 'gpu-a: pull model manifest: file does not exist; gpu-b: sent nothing for 0.3 s';
  assert.deepEqual([answer.status, jsonOf(answer)], [504, { error }]);
});

test('a client that does not read its progress slows the endpoints and holds nothing in memory', async () => {
  const line = `{"status":"pulling x","digest":"sha256:${'0'.repeat(64)}","total":1000000000,"completed":`;
  let written = 0;
  await using chatty = await ScriptedServer.start(async (peer) => {
    for (;;) {
      const head = await peer.head();
      if (head.startsWith('POST')) break;
      const body = head.startsWith('GET /api/version') ? '{"version":"0.24.0"}' : '{"models":[]}';
      await peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
    await peer.write('HTTP/1.1 200 OK\r\n\r\n');
    for (;;) {
      const lines = Array.from({ length: 1000 }, () => `${line}${++written}}\n`);
      await peer.write(lines.join(''));
    }
  });
  await using router = await startRouter({ endpoints: [{ url: chatty.url, kind: 'ollama' }] });
  using wire = await openWire(router.port);
  wire.request('/api/pull', PULL);
  await wire.until(() => wire.received.length > 0);
  wire.socket.pause();
  for (let last = -1, same = 0; same < 20; same = last === written ? same + 1 : 0) {
    last = written;
    await router.ask('/api/version');
  }
  const stoodStill = written;
  wire.socket.resume();
  await wire.until(() => wire.received.includes(`"completed":${stoodStill}}`));
});

test('what an endpoint says behind its success says nothing', async () => {
  await using a = await ollama();
  await using router = await routerBefore([a]);
  const body = '{"status":"one"}\n{"status":"success"}\n{"status":"success"}\n{"status":"late"}\n{"error":"late"}\n';
  a.faults.add({ on: { path: '/api/pull' }, status: 200, body });
  assert.deepEqual(linesOf(await router.ask('/api/pull', PULL)), [{ status: 'one' }, { status: 'success' }]);
});

test('a model that no registry has is told in the words that the ollama command looks for', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore([a, b]);
  const error = 'pull model manifest: file does not exist';
  assert.deepEqual(linesOf(await router.ask('/api/pull', { body: { name: 'none' } })), [
    { status: 'pulling manifest' },
    { error },
  ]);
  const whole = await router.ask('/api/pull', { body: { name: 'none', stream: false } });
  assert.deepEqual([whole.status, jsonOf(whole)], [500, { error }]);
});

test('the request says where, by header or field, and the header counts', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore(named(a, b));
  const headers = { 'X-Nomyo-Endpoint': 'gpu-b' };
  await router.ask('/api/pull', { body: { name: 'big', nomyo: 'gpu-a' }, headers });
  assert.deepEqual(counts(a, b), [0, 1]);
  await router.ask('/api/pull', { body: { name: 'big', nomyo: { endpoint: a.url } } });
  assert.deepEqual(counts(a, b), [1, 1]);
  assert.equal(asked(a)[0]?.body.toString(), '{"name":"big"}');
  assert.equal(
    asked(b)[0]?.headers.find(([name]) => name.toLowerCase().startsWith('x-nomyo')),
    undefined,
  );
  const unknown = await router.ask('/api/pull', { body: { name: 'big', nomyo: ['gpu-a', 'gpu-x'] } });
  assert.deepEqual(
    [unknown.status, jsonOf(unknown)],
    [400, { error: "endpoint 'gpu-x' does not exist (gpu-a, gpu-b)" }],
  );
  assert.deepEqual(counts(a, b), [1, 1]);
});

test('a named endpoint that cannot be reached is a failure, others that cannot be are left out', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await b.stop();
  await using router = await routerBefore(named(a, b));
  assert.deepEqual(linesOf(await router.ask('/api/pull', PULL)).at(-1), { status: 'success' });
  const lines = linesOf(await router.ask('/api/pull', { ...PULL, headers: { 'x-nomyo-endpoint': 'gpu-a,gpu-b' } }));
  assert.deepEqual(lines.at(-1), { error: 'gpu-b: connection refused (succeeded on: gpu-a)' });
});

test('the configuration says where models are managed unless a request does', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore(named(a, b), { management_endpoints: ['gpu-b'] });
  await router.ask('/api/pull', PULL);
  assert.deepEqual(counts(a, b), [0, 1]);
  await router.ask('/api/pull', { ...PULL, headers: { 'x-nomyo-endpoint': 'gpu-a' } });
  assert.deepEqual(counts(a, b), [1, 1]);
});

test('without an Ollama endpoint there is nothing to manage', async () => {
  await using llama = await startSimulatedEndpoint({ kind: 'llama-server', models: ['x'] });
  await using router = await routerBefore([llama]);
  for (const [path, request] of [
    ['/api/pull', PULL],
    ['/api/create', { body: { model: 'x', from: 'y' } }],
    ['/api/push', PULL],
    ['/api/copy', { body: { source: 'x', destination: 'y' } }],
    ['/api/delete', { method: 'DELETE', body: { name: 'x' } }],
    [`/api/blobs/sha256:${'0'.repeat(64)}`, { method: 'HEAD' }],
    [`/api/blobs/sha256:${'0'.repeat(64)}`, { method: 'POST', body: 'x' }],
  ] as const) {
    const answer = await router.ask(path, request);
    assert.equal(answer.status, 501, path);
    if (!('method' in request && request.method === 'HEAD')) assert.match(jsonOf(answer).error, /Ollama/);
  }
  assert.deepEqual(counts(llama), [0]);
});

test('a client that leaves ends the task on every target', async () => {
  await using a = await ollama({ pullMs: 3_600_000 });
  await using b = await ollama({ pullMs: 3_600_000 });
  await using router = await routerBefore([a, b]);
  using wire = await openWire(router.port);
  wire.request('/api/pull', PULL);
  await wire.until(() => wire.received.includes('"digest"'));
  wire.leave();
  await Promise.all([allLeft(a, 1), allLeft(b, 1)]);
});

test('push goes to one endpoint that has the model, and to another where that cannot be reached', async () => {
  await using a = await ollama();
  await using b = await ollama({ models: ['big'] });
  await using c = await ollama({ models: ['big'] });
  await using router = await routerBefore([a, b, c]);
  const lines = linesOf(await router.ask('/api/push', PULL));
  assert.deepEqual([lines[0], lines.at(-1)], [{ status: 'retrieving manifest' }, { status: 'success' }]);
  assert.deepEqual(counts(a, b, c), [0, 1, 0]);
  await b.stop();
  assert.deepEqual(linesOf(await router.ask('/api/push', PULL)).at(-1), { status: 'success' });
  assert.deepEqual(counts(a, b, c), [0, 1, 1]);
  const whole = await router.ask('/api/push', { body: { name: 'big', stream: false } });
  assert.deepEqual([whole.status, jsonOf(whole)], [200, { status: 'success' }]);
});

test('push: what fails midway or hangs is told in the stream', async () => {
  await using a = await ollama({ models: ['big'] });
  await using router = await routerBefore([{ at: a, name: 'gpu-a' }], MORE);
  for (const [fault, words] of [
    [{ errorAfterTokens: { count: 2, message: 'denied' } }, 'denied'],
    [{ stallAfterTokens: 2 }, 'gpu-a: stalled for 0.3 s'],
  ] as const) {
    a.faults.add({ ...fault, on: { path: '/api/push' }, times: 1 });
    assert.deepEqual(linesOf(await router.ask('/api/push', PULL)).at(-1), { error: words });
  }
  a.faults.add({ on: { path: '/api/push' }, hang: true });
  const answer = await router.ask('/api/push', PULL);
  assert.deepEqual([answer.status, jsonOf(answer)], [504, { error: 'gpu-a: sent nothing for 0.3 s' }]);
});

test('push of a model that nobody has is answered as Ollama answers it', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore([a, b]);
  const lines = linesOf(await router.ask('/api/push', { body: { name: 'none' } }));
  assert.deepEqual(lines.slice(0, 2), [{ status: 'retrieving manifest' }, { status: "couldn't retrieve manifest" }]);
  assert.match(lines[2].error, /no such file or directory/);
  assert.deepEqual(counts(a, b), [1, 0]);
});
