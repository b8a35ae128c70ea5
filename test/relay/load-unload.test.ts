import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { counts } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { jsonOf } from '../support/wire.ts';

const UNLOADS = [
  ['/api/generate', { keep_alive: 0 }],
  ['/api/generate', { prompt: '', keep_alive: '0s' }],
  ['/api/generate', { prompt: '', keep_alive: '0', images: ['aGk='] }],
  ['/api/chat', { messages: [], keep_alive: 0 }],
  ['/api/chat', { keep_alive: 0.0, stream: true }],
] as const;

describe('a request without words loads or unloads (contract 1.5, ux R5)', () => {
  for (const [path, fields] of UNLOADS) {
    test(`${path} ${JSON.stringify(fields)} unloads wherever the model is loaded, and only there`, async () => {
      await using fleet = await startFleet({
        a: { kind: 'ollama', models: ['tiny'], loaded: ['tiny'] },
        b: { kind: 'ollama', models: ['tiny'], loaded: ['tiny'] },
        cold: { kind: 'ollama', models: ['tiny', 'other'], loaded: ['other'] },
        l: { kind: 'llama-server', mode: 'router', models: ['tiny'], loaded: ['tiny'] },
      });
      const { a, b, cold, l } = fleet.endpoints;
      await using router = await routerBefore([a, b, cold, l]);
      const answer = await router.ask(path, { body: { model: 'tiny', ...fields } });
      const { model, done, done_reason: reason } = jsonOf(answer);
      assert.deepEqual([answer.status, model, done, reason], [200, 'tiny', true, 'unload']);
      for (const endpoint of [a, b, l]) assert.deepEqual(endpoint.loadedModels(), []);
      assert.deepEqual(cold.loadedModels(), ['other:latest']);
      assert.equal(counts(cold)[0], 0);
    });
  }

  test('unloading what is loaded nowhere is a success, what nobody has is unknown', async () => {
    await using fleet = await startFleet({ a: { kind: 'ollama', models: ['tiny'] } });
    await using router = await routerBefore([fleet.endpoints.a]);
    assert.equal((await router.ask('/api/generate', { body: { model: 'tiny', keep_alive: 0 } })).status, 200);
    const unknown = await router.ask('/api/generate', { body: { model: 'nobody', keep_alive: 0 } });
    assert.deepEqual([unknown.status, jsonOf(unknown)], [404, { error: "model 'nobody' not found" }]);
  });

  test('loading takes one endpoint, and of several kinds the one that a request would take', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['tiny'] },
      b: { kind: 'ollama', models: ['tiny'] },
      l: { kind: 'llama-server', mode: 'router', models: ['tiny'] },
    });
    const { a, b, l } = fleet.endpoints;
    await using router = await routerBefore([a, b, l]);
    const answer = await router.ask('/api/chat', { body: { model: 'tiny', messages: [] } });
    assert.equal(jsonOf(answer).done_reason, 'load');
    assert.equal([a, b].flatMap((endpoint) => endpoint.loadedModels()).length, 1);
    assert.deepEqual(l.loadedModels(), []);
  });

  test('a llama-server that has it loaded already is not sent a request without words', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['tiny'] },
      l: { kind: 'llama-server', models: ['tiny'] },
    });
    const { a, l } = fleet.endpoints;
    await using router = await routerBefore([a, l]);
    const answer = await router.ask('/api/generate', { body: { model: 'tiny' } });
    assert.deepEqual([answer.status, jsonOf(answer).done_reason], [200, 'load']);
    assert.deepEqual(counts(a, l), [0, 0]);
  });

  test('a load goes on to the next endpoint where the first is lost', async () => {
    await using fleet = await startFleet({
      lost: { kind: 'llama-server', mode: 'router', models: ['tiny'] },
      l: { kind: 'llama-server', mode: 'router', models: ['tiny'], slots: 1 },
    });
    const { lost, l } = fleet.endpoints;
    await using router = await routerBefore([lost, l]);
    lost.faults.add({ on: { path: '/models/load' }, cutAtByte: 0 });
    for (let tries = 0; tries < 4; tries++) {
      const answer = await router.ask('/api/generate', { body: { model: 'tiny' } });
      assert.deepEqual([answer.status, jsonOf(answer).done_reason], [200, 'load']);
    }
    assert.deepEqual(l.loadedModels(), ['tiny']);
  });

  test('a load goes on from an Ollama that is lost to a llama-server', async () => {
    await using fleet = await startFleet({
      lost: { kind: 'ollama', models: ['tiny'] },
      l: { kind: 'llama-server', mode: 'router', models: ['tiny'] },
    });
    const { lost, l } = fleet.endpoints;
    await using router = await routerBefore([lost, l]);
    lost.faults.add({ on: { path: '/api/chat' }, cutAtByte: 0 });
    const answer = await router.ask('/api/chat', { body: { model: 'tiny' } });
    assert.deepEqual([answer.status, jsonOf(answer).done_reason, l.loadedModels()], [200, 'load', ['tiny']]);
  });

  test('an unload succeeds where one endpoint did as it was told, and fails where none did', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['tiny'], loaded: ['tiny'] },
      lost: { kind: 'ollama', models: ['tiny'], loaded: ['tiny'] },
    });
    const { a, lost } = fleet.endpoints;
    await using router = await routerBefore([a, lost]);
    lost.faults.add({ on: { path: '/api/generate' }, status: 500, body: { error: 'cannot' } });
    const body = { model: 'tiny', keep_alive: 0 };
    assert.equal((await router.ask('/api/generate', { body })).status, 200);
    assert.deepEqual(a.loadedModels(), []);
    const failed = await router.ask('/api/generate', { body });
    assert.deepEqual([failed.status, jsonOf(failed)], [500, { error: 'cannot' }]);
  });

  for (const [keepAlive, error] of [
    ['300', 'time: missing unit in duration "300"'],
    ['-1', 'time: missing unit in duration "-1"'],
    ['abc', 'time: invalid duration "abc"'],
    [true, "Unsupported type: 'bool'"],
  ] as const) {
    test(`keep_alive ${JSON.stringify(keepAlive)} is refused as Ollama does (contract 1.4)`, async () => {
      await using fleet = await startFleet({ a: { kind: 'ollama', models: ['tiny'] } });
      await using router = await routerBefore([fleet.endpoints.a]);
      for (const path of ['/api/chat', '/api/generate', '/api/embed']) {
        const answer = await router.ask(path, { body: { model: 'tiny', keep_alive: keepAlive } });
        assert.deepEqual([answer.status, jsonOf(answer)], [400, { error }], path);
      }
    });
  }
});

test('3.2 a model that sleeps counts as loaded where it is told to load, and is unloaded where it is told to unload', async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['m'],
    sleeping: ['m'],
  });
  await using router = await routerBefore([endpoint]);
  const ask = async (more: object) => jsonOf(await router.ask('/api/generate', { body: { model: 'm', ...more } }));
  assert.equal((await ask({})).done_reason, 'load');
  assert.equal((await ask({ keep_alive: 0 })).done_reason, 'unload');
  assert.deepEqual(
    endpoint.requests.filter(({ method }) => method === 'POST').map(({ path }) => path),
    ['/models/load', '/models/unload'],
  );
});
