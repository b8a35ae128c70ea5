import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createApp } from '../../src/app.ts';
import { defaultConfig } from '../../src/config/load.ts';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { lineLog } from '../../src/telemetry/log.ts';
import { readOtlpSettings } from '../../src/telemetry/otlp/settings.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { bytesAsText, entryOf, eventually, ONCE, type RunningRouter, routerBefore } from '../support/router.ts';
import { json, ndjson } from '../support/streams.ts';
import { askWire, headerIn, jsonOf, textOf, type WireAnswer } from '../support/wire.ts';
import { spansIn, startReceiver } from '../telemetry/otlp/receiver.ts';

const MESSAGES = [{ role: 'user', content: 'say 5 tokens' }];
const chat = (more: object = {}) => ({ body: { model: 'm', messages: MESSAGES, ...more } });

/** The headers about who answered, without the time that it took. */
function route(answer: WireAnswer): Record<string, string> {
  const ours = answer.headers.filter(([name]) => name.startsWith('X-Nomyo-') && name !== 'X-Nomyo-Queue-Ms');
  return Object.fromEntries(ours.map(([name, value]) => [name.slice('X-Nomyo-'.length), value]));
}

const from = (Endpoint: string, Model = 'm', Route = 'only_endpoint', Retries = '0') => {
  return { Endpoint, Model, Route, Retries };
};

const ASKS: readonly (readonly [path: string, body: object])[] = [
  ['/api/chat', { messages: MESSAGES }],
  ['/api/generate', { prompt: 'x' }],
  ['/api/embed', { input: 'x' }],
  ['/api/embeddings', { prompt: 'x' }],
  ['/v1/chat/completions', { messages: MESSAGES }],
  ['/v1/completions', { prompt: 'x' }],
  ['/v1/embeddings', { input: 'x' }],
  ['/v1/responses', { input: 'x' }],
  ['/v1/messages', { messages: MESSAGES, max_tokens: 10 }],
  ['/v1/rerank', { query: 'x', documents: ['a', 'b'] }],
];
const STREAMS = new Set([
  '/api/chat',
  '/api/generate',
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/messages',
]);
const LACKING: Partial<Record<EndpointKind, readonly string[]>> = {
  ollama: ['/v1/rerank'],
  openai: ['/v1/rerank'],
};

for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
  describe(`who answers and why is told of ${kind}`, () => {
    const model = { name: 'm', capabilities: ['completion', 'embedding', 'insert', 'rerank'] } as const;
    const stack = new AsyncDisposableStack();
    let router: RunningRouter;
    before(async () => {
      const endpoint = stack.use(await startSimulatedEndpoint({ kind, models: [model], embeddings: true }));
      router = stack.use(await routerBefore([{ at: endpoint, name: 'gpu-a' }]));
    });
    after(() => stack.disposeAsync());

    for (const [path, body] of ASKS.filter(([path]) => LACKING[kind]?.includes(path) !== true))
      for (const stream of STREAMS.has(path) ? [false, true] : [false])
        test(`on ${path}, ${stream ? 'streamed' : 'whole'}`, async () => {
          const answer = await router.ask(path, {
            body: { model: 'm', ...body, ...(STREAMS.has(path) && { stream }) },
          });
          assert.equal(answer.status, 200, textOf(answer));
          const { Dropped: _, ...told } = route(answer);
          assert.deepEqual(told, from('gpu-a', kind === 'ollama' ? 'm:latest' : 'm'));
          assert.match(headerIn(answer, 'x-nomyo-queue-ms') ?? '', /^\d{1,5}$/);
        });
  });
}

describe('who answers and why is told', () => {
  test('by where it was free, and where all are busy', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'], slots: 9 },
      b: { kind: 'ollama', models: ['m'], slots: 9 },
    });
    const { a, b } = fleet.endpoints;
    a.faults.add({ on: { method: 'POST' }, hang: true, times: 1 });
    b.faults.add({ on: { method: 'POST' }, hang: true, times: 1, skip: 2 });
    await using router = await routerBefore([
      { at: a, name: 'a' },
      { at: b, name: 'b' },
    ]);
    using first = await router.open();
    first.request('/api/chat', chat());
    await eventually(() => asked(a).length === 1);
    for (const reason of ['free_slot', 'loaded_free_slot']) {
      assert.deepEqual(route(await router.ask('/api/chat', chat())), from('b', 'm:latest', reason));
      await router.untilInFlight((now) => now[b.url] === undefined);
    }
    using second = await router.open();
    second.request('/api/chat', chat());
    await eventually(() => asked(b).length === 3);
    assert.equal(route(await router.ask('/api/chat', chat()))['Route'], 'all_busy');
    second.leave();
    first.leave();
    await router.idle();
  });

  test('of the one that answered, after others were tried', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
      b: { kind: 'llama-server', models: ['m'] },
    });
    const { a, b } = fleet.endpoints;
    await using router = await routerBefore([
      { at: a, name: 'a' },
      { at: b, name: 'b' },
    ]);
    a.faults.add({ on: { method: 'POST' }, status: 503, body: { error: 'busy' } });
    for (const stream of [true, false])
      assert.deepEqual(route(await router.ask('/api/chat', chat({ stream }))), from('b', 'm', 'only_endpoint', '1'));
  });

  test('of the one whose refusal is passed on, be it the last one asked or not', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
      b: { kind: 'ollama', models: ['m'] },
    });
    const { a, b } = fleet.endpoints;
    await using router = await routerBefore([
      { at: a, name: 'a' },
      { at: b, name: 'b' },
    ]);
    a.faults.add({ on: { method: 'POST' }, status: 400, body: { error: 'no such option' }, times: 1 });
    const refused = await router.ask('/api/chat', chat());
    assert.deepEqual([refused.status, route(refused)], [400, from('a', 'm:latest', 'loaded_free_slot')]);
    a.faults.add({ on: { method: 'POST' }, status: 503, body: { error: 'a is busy' } });
    b.faults.add({ on: { method: 'POST' }, cutAtByte: 0 });
    const passed = await router.ask('/api/chat', chat());
    assert.deepEqual([passed.status, jsonOf(passed).error], [503, 'a is busy']);
    assert.equal(route(passed)['Endpoint'], 'a');
  });

  test("of none where the error is the router's own", async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m', 'n'] });
    endpoint.faults.add({ on: { model: 'm' }, status: 401, body: { error: { message: 'key' } } });
    endpoint.faults.add({ on: { model: 'n' }, cutAtByte: 0 });
    await using router = await routerBefore([endpoint]);
    for (const [model, status] of [
      ['unknown', 404],
      ['m', 502],
      ['n', 502],
    ] as const) {
      const answer = await router.ask('/v1/chat/completions', chat({ model }));
      assert.equal(answer.status, status);
      assert.deepEqual(Object.keys(route(answer)), ['Error']);
      assert.equal(headerIn(answer, 'x-nomyo-queue-ms'), undefined);
    }
    for (const path of ['/api/tags', '/api/ps', '/v1/models', '/health', '/nowhere'])
      assert.equal(headerIn(await router.ask(path), 'x-nomyo-endpoint'), undefined);
  });

  test('beside what was left out', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([{ at: endpoint, name: 'a' }]);
    const answer = await router.ask('/v1/messages', chat({ max_tokens: 5, metadata: { user_id: 'x' }, top_k: 3 }));
    const told = route(answer);
    assert.equal(told['Endpoint'], 'a');
    for (const setting of [true, false]) {
      await using other = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
      await using strict = await routerBefore([other], { response_headers: setting });
      const translated = await strict.ask('/api/chat', chat({ options: { mirostat: 2 } }));
      assert.equal(headerIn(translated, 'x-nomyo-dropped'), 'options.mirostat');
      assert.equal(headerIn(translated, 'x-nomyo-endpoint') !== undefined, setting);
    }
  });

  test('to nobody where the operator says so', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { response_headers: false });
    for (const stream of [true, false]) assert.deepEqual(route(await router.ask('/api/chat', chat({ stream }))), {});
    endpoint.faults.add({ on: { method: 'POST' }, status: 400, body: { error: 'no' } });
    assert.deepEqual(route(await router.ask('/api/chat', chat())), {});
  });

  test('by the router alone: an endpoint that says so itself is not believed', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    const headers = { 'X-Nomyo-Endpoint': 'SPOOF', 'x-nomyo-route': 'SPOOF', 'X-NOMYO-OTHER': 'SPOOF' };
    for (const response_headers of [true, false]) {
      await using router = await routerBefore([endpoint], { response_headers });
      const { 'Content-Type': type } = ndjson().headers;
      for (const fault of [ndjson(), json('{"done":true}'), { status: 400, body: '{"error":"no"}' }]) {
        endpoint.faults.clear();
        endpoint.faults.add({ on: { method: 'POST' }, ...fault, headers: { 'Content-Type': type ?? '', ...headers } });
        assert.doesNotMatch(JSON.stringify((await router.ask('/api/chat', chat())).headers), /SPOOF/);
      }
    }
  });

  test('in UTF-8 where names are beyond ASCII', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['größe-😀'] });
    await using router = await routerBefore([{ at: endpoint, name: 'Küche 1' }]);
    const answer = await router.ask('/v1/chat/completions', chat({ model: 'größe-😀' }));
    assert.equal(answer.status, 200);
    assert.deepEqual(route(answer), from(bytesAsText('Küche 1'), bytesAsText('größe-😀')));
  });

  test('to pages of other origins too', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask('/api/chat', { ...chat(), headers: { Origin: 'http://localhost:3000' } });
    const exposed = (headerIn(answer, 'access-control-expose-headers') ?? '').split(', ');
    for (const [name] of answer.headers.filter(([name]) => /^x-(nomyo|request)/i.test(name)))
      assert.ok(exposed.includes(name.toLowerCase()), name);
    assert.ok(headerIn(answer, 'x-nomyo-retries'));
  });
});

describe('the place in a trace', () => {
  const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const TRACESTATE = 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE';
  const traced = { ...chat(), headers: { traceparent: TRACEPARENT, tracestate: TRACESTATE, 'X-Request-Id': 'r-1' } };

  for (const kind of ['ollama', 'openai'] as const)
    test(`reaches ${kind} as the client sent it, where nothing is traced here`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      const answer = await router.ask('/api/chat', traced);
      const sent = onlyAsked(endpoint);
      assert.equal(headerIn(sent, 'traceparent'), TRACEPARENT);
      assert.equal(headerIn(sent, 'tracestate'), TRACESTATE);
      assert.equal(headerIn(sent, 'x-request-id'), 'r-1');
      assert.equal(headerIn(answer, 'x-request-id'), 'r-1');
    });

  test('is in the same trace for the endpoint, where the router traces: a span of its own each time', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
      b: { kind: 'openai', models: ['m'] },
    });
    const { a, b } = fleet.endpoints;
    a.faults.add({ on: { method: 'POST' }, status: 503, body: { error: 'busy' } });
    await using receiver = await startReceiver();
    const { settings: otlp } = readOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    const config = defaultConfig({ db_path: 'none', port: 0, endpoints: [entryOf(a), entryOf(b)] });
    const app = createApp(config, { log: lineLog(() => {}), pace: ONCE, otlp });
    const { port } = await app.listen();
    await app.probed(10_000);
    assert.equal((await askWire(port, '/api/chat', traced)).status, 200);
    assert.equal((await askWire(port, '/api/chat', chat())).status, 200);
    await app.drain();
    const parents = [a, b].map((endpoint) => asked(endpoint).map((sent) => headerIn(sent, 'traceparent') ?? ''));
    const [first = '', second = ''] = parents.map(([parent]) => parent);
    for (const parent of [first, second]) assert.match(parent, /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    assert.equal(new Set([TRACEPARENT, first, second]).size, 3);
    assert.equal(headerIn(asked(b)[0] ?? { headers: [] }, 'tracestate'), TRACESTATE);
    assert.match(parents[1]?.[1] ?? '', /^00-(?!0af7)[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const spans = spansIn(receiver).map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    for (const parent of parents.flat()) assert.ok(spans.includes(parent), parent);
  });
});
