import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../src/domain/secret.ts';
import { startSimulatedEndpoint } from '../../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint } from '../../../src/simulator/simulation.ts';
import { failureOf } from '../../support/answer-reader.ts';
import { endpointAt, modelIn, probed } from '../../support/probing.ts';

const LIST = '/v1/models';

function targets(server: SimulatedEndpoint): string[] {
  return server.requests.map(({ method, target }) => `${method} ${target}`);
}

test('a llama-server of one model tells its slots, its context, its other names and its build', async () => {
  await using server = await startSimulatedEndpoint({
    kind: 'llama-server',
    models: [{ name: 'm.gguf', aliases: ['small'], contextLength: 2048 }],
    slots: 6,
    version: 'b8200-abc',
  });
  const found = await probed(endpointAt(server.url, 'llama-server'));
  const model = modelIn(found, 'm.gguf');
  assert.equal(found.version, 'b8200-abc');
  assert.deepEqual([model.loaded, model.slots, model.contextLength, model.managed], [true, 6, 2048, undefined]);
  assert.ok(model.aliases.includes('small'));
  assert.equal(model.props?.['total_slots'], 6);
});

test('a llama-server in router mode tells which models are in memory, and of those their slots', async () => {
  await using server = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['a', { name: 'b', slots: 3, contextLength: 1024, aliases: ['other b'] }],
    loaded: ['b'],
  });
  const found = await probed(endpointAt(server.url, 'llama-server'));
  const [a, b] = [modelIn(found, 'a'), modelIn(found, 'b')];
  assert.deepEqual([a.loaded, a.managed, a.failed, a.slots, a.props], [false, true, false, undefined, undefined]);
  assert.deepEqual([b.loaded, b.managed, b.failed, b.slots, b.contextLength], [true, true, false, 3, 1024]);
  assert.deepEqual(b.aliases, ['other b']);
});

test('probing a llama-server in router mode loads nothing, however its models are named', async () => {
  await using server = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['a', 'org/b & c?d=e#f'],
    loaded: ['org/b & c?d=e#f'],
  });
  const endpoint = endpointAt(server.url, 'llama-server');
  const first = await probed(endpoint);
  server.unload('org/b & c?d=e#f');
  await probed(endpoint, first);
  assert.deepEqual(targets(server), [
    'GET /health',
    `GET ${LIST}`,
    'GET /props?model=org%2Fb%20%26%20c%3Fd%3De%23f&autoload=false',
    'GET /health',
    `GET ${LIST}`,
  ]);
  assert.deepEqual(server.loadedModels(), []);
});

test('what a model told of itself is remembered while it is out of memory', async () => {
  await using server = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: [{ name: 'm', slots: 5, contextLength: 1024 }],
    loaded: ['m'],
  });
  const endpoint = endpointAt(server.url, 'llama-server');
  const before = await probed(endpoint);
  server.unload('m');
  const { loaded, slots, contextLength } = modelIn(await probed(endpoint, before), 'm');
  assert.deepEqual([loaded, slots, contextLength], [false, 5, 1024]);
});

test('a model that failed to load, one that sleeps, and the plain words of older builds are understood', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'llama-server', mode: 'router' });
  const data = [
    { id: 'failed', status: { value: 'unloaded', failed: true, exit_code: 1 } },
    { id: 'asleep', status: { value: 'sleeping' } },
    { id: 'odd', status: { value: 'pondering' } },
    { id: 'old and loaded', status: 'loaded' },
    { id: 'old and not', status: 'unloaded' },
    { id: 'without status', status: null },
  ];
  server.faults.add({ on: { path: LIST }, status: 200, body: { data } });
  const { models } = await probed(endpointAt(server.url, 'llama-server'));
  assert.deepEqual(
    models.map(({ id, loaded, managed, failed }) => [id, loaded, managed, failed]),
    [
      ['failed', false, true, true],
      ['asleep', false, true, false],
      ['odd', false, true, false],
      ['old and loaded', true, true, false],
      ['old and not', false, true, false],
      ['without status', true, undefined, undefined],
    ],
  );
});

test('the time of a model is the one that was seen first, though each list has another', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  const endpoint = endpointAt(server.url, 'llama-server');
  const listed = (created: number) => ({ data: [{ id: 'm', created, n: created }] });
  for (const created of [1000, 2000, 3000])
    server.faults.add({ on: { path: LIST }, status: 200, times: 1, body: listed(created) });
  const first = await probed(endpoint);
  const second = await probed(endpoint, first);
  const third = await probed(endpoint, second);
  assert.deepEqual(
    [first, second, third].map((found) => [modelIn(found, 'm').item?.['created'], modelIn(found, 'm').item?.['n']]),
    [
      [1000, 1000],
      [1000, 2000],
      [1000, 3000],
    ],
  );
});

test('a model whose properties are not to be had is listed all the same, with what was known', async () => {
  for (const mode of ['single', 'router'] as const) {
    await using server = await startSimulatedEndpoint({
      kind: 'llama-server',
      mode,
      models: ['m'],
      slots: 7,
      loaded: ['m'],
    });
    const endpoint = endpointAt(server.url, 'llama-server');
    const before = await probed(endpoint);
    server.faults.add({ on: { path: '/props' }, status: 501, body: { error: { message: 'This server does not' } } });
    assert.equal(modelIn(await probed(endpoint), 'm').slots, undefined, mode);
    assert.equal(modelIn(await probed(endpoint, before), 'm').slots, 7, mode);
  }
});

test('slots and contexts that are no numbers above zero are not believed', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  const endpoint = endpointAt(server.url, 'llama-server');
  server.faults.add({ on: { path: LIST }, status: 200, body: { data: [{ id: 'm', meta: null }] } });
  for (const props of [
    { total_slots: 0 },
    { total_slots: -1 },
    { total_slots: '4' },
    { default_generation_settings: { n_ctx: 0 } },
  ]) {
    server.faults.add({ on: { path: '/props' }, status: 200, times: 1, body: props });
    const { slots, contextLength } = modelIn(await probed(endpoint), 'm');
    assert.deepEqual([slots, contextLength], [undefined, undefined]);
  }
});

test('a llama-server that still loads its model is not there yet', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'], loadMs: 3_600_000 });
  const failure = await failureOf(probed(endpointAt(server.url, 'llama-server')));
  assert.deepEqual([failure.reason, failure.message], ['invalid', 'answered 503 to GET /health']);
});

test('a llama-server with a key is asked with it, and is a failure without it', async () => {
  await using server = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'], key: 'sesame' });
  const withKey = endpointAt(server.url, 'llama-server', { key: new Secret('sesame') });
  assert.equal(modelIn(await probed(withKey), 'm').slots, 4);
  const failure = await failureOf(probed(endpointAt(server.url, 'llama-server')));
  assert.equal(failure.message, `answered 401 to GET ${LIST}`);
});
