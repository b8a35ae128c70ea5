import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { asked, counts, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, type Json, jsonOf, textOf } from '../support/wire.ts';

const LOAD = { model: 'm' };
const UNLOAD = { model: 'm', keep_alive: 0 };
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** The object without its time, which is checked. */
function timeless({ created_at: at, ...rest }: Json): Json {
  assert.match(at, STAMP);
  return rest;
}

const ANSWERS = [
  ['/api/generate', { prompt: '' }, { response: '' }],
  ['/api/generate', {}, { response: '' }],
  ['/api/chat', { messages: [] }, { message: { role: 'assistant', content: '' } }],
  ['/api/chat', {}, { message: { role: 'assistant', content: '' } }],
] as const;

for (const [path, nothing, said] of ANSWERS) {
  describe(`${path} with ${JSON.stringify(nothing)}`, () => {
    test('loads the model on one Ollama server', async () => {
      await using fleet = await startFleet({
        a: { kind: 'ollama', models: ['m'] },
        b: { kind: 'ollama', models: ['m'] },
      });
      const { a, b } = fleet.endpoints;
      await using router = await routerBefore([a, b]);
      const answer = await router.ask(path, { body: { ...LOAD, ...nothing } });
      assert.deepEqual(timeless(jsonOf(answer)), { model: 'm', ...said, done: true, done_reason: 'load' });
      assert.equal(headerIn(answer, 'content-type'), 'application/json; charset=utf-8');
      assert.deepEqual([...a.loadedModels(), ...b.loadedModels()], ['m:latest']);
    });

    test('with keep_alive 0 unloads it wherever it is loaded, and nowhere else', async () => {
      await using fleet = await startFleet({
        a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
        b: { kind: 'ollama', models: ['m'], loaded: ['m'] },
        c: { kind: 'llama-server', mode: 'router', models: ['m', 'n'], loaded: ['m', 'n'] },
        d: { kind: 'ollama', models: ['m'] },
        e: { kind: 'vllm', models: ['m'] },
      });
      const all = Object.values(fleet.endpoints);
      await using router = await routerBefore(all);
      const answer = await router.ask(path, { body: { ...UNLOAD, ...nothing } });
      assert.deepEqual(timeless(jsonOf(answer)), { model: 'm', ...said, done: true, done_reason: 'unload' });
      assert.deepEqual(
        all.map((endpoint) => endpoint.loadedModels()),
        [[], [], ['n'], [], ['m']],
      );
      const { a, c, d, e } = fleet.endpoints;
      assert.deepEqual(counts(d, e), [0, 0]);
      assert.deepEqual(onlyAsked(a).json, { ...UNLOAD, ...nothing });
      assert.deepEqual([onlyAsked(c).target, onlyAsked(c).json], ['/models/unload', { model: 'm' }]);
      const running: Json[] = jsonOf(await router.ask('/api/ps')).models;
      assert.deepEqual(running.map(({ name }) => name).sort(), ['m', 'n:latest']);
    });
  });
}

test('an unload of what is loaded nowhere is a success, of what is nowhere a 404', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  assert.equal((await router.ask('/api/generate', { body: UNLOAD })).status, 200);
  assert.equal(asked(endpoint).length, 0);
  const answer = await router.ask('/api/generate', { body: { ...UNLOAD, model: 'x' } });
  assert.deepEqual([answer.status, jsonOf(answer)], [404, { error: "model 'x' not found" }]);
});

test('an unload fails only where no endpoint obeys', async () => {
  await using fleet = await startFleet({
    a: { kind: 'ollama', models: ['m'], loaded: ['m'] },
    b: { kind: 'ollama', models: ['m'], loaded: ['m'] },
  });
  const { a, b } = fleet.endpoints;
  await using router = await routerBefore([a, b]);
  a.faults.add({ on: { method: 'POST' }, status: 500, body: { error: 'no' } });
  assert.equal((await router.ask('/api/chat', { body: UNLOAD })).status, 200);
  assert.deepEqual(b.loadedModels(), []);
  const answer = await router.ask('/api/chat', { body: UNLOAD });
  assert.deepEqual([answer.status, jsonOf(answer)], [500, { error: 'no' }]);
});

test('a load on a llama-server is waited for, holds a slot meanwhile, and is answered as Ollama answers', async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['m', 'n'],
    loadMs: 400,
  });
  await using router = await routerBefore([endpoint]);
  const answered = router.ask('/api/generate', { body: LOAD });
  await endpoint.waitFor(() => asked(endpoint).length > 0);
  assert.deepEqual(await router.inFlight(), { [endpoint.url]: { m: 1 } });
  assert.deepEqual(timeless(jsonOf(await answered)), { model: 'm', response: '', done: true, done_reason: 'load' });
  assert.deepEqual(endpoint.loadedModels(), ['m']);
  assert.deepEqual([onlyAsked(endpoint).target, onlyAsked(endpoint).json], ['/models/load', { model: 'm' }]);
  assert.equal(jsonOf(await router.ask('/api/generate', { body: LOAD })).done_reason, 'load');
  assert.equal(asked(endpoint).length, 1, 'what is loaded is not loaded again');
  await router.idle();
});

test('a client that leaves during a load frees its slot', async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['m'],
    loadMs: 60_000,
  });
  await using router = await routerBefore([endpoint]);
  using client = await router.open();
  client.request('/api/chat', { body: LOAD });
  await endpoint.waitFor(() => asked(endpoint).length > 0);
  client.leave();
  await router.idle();
});

test('a load of a hosted model has nothing to do', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask('/api/chat', { body: LOAD });
  assert.equal(jsonOf(answer).done_reason, 'load');
  assert.equal(asked(endpoint).length, 0);
});

test("an endpoint that refuses the router's key is not the client's fault", async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['m'],
    loaded: ['m'],
  });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ on: { method: 'POST' }, status: 401, body: { error: { message: 'Invalid API Key' } } });
  const answer = await router.ask('/api/generate', { body: UNLOAD });
  assert.equal(answer.status, 502);
  assert.match(textOf(answer), /refused the router's credentials/);
});
