import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule, SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { allLeft, onlyAsked } from '../support/records.ts';
import { type Configured, type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, type Json, jsonOf, openWire, type WireRequest } from '../support/wire.ts';

const SOON = { timeouts: { connect: '1s', first_byte: '300ms', idle: '300ms' } };
const REMOVE: WireRequest = { method: 'DELETE', body: { model: '', name: 'x' } };
const COPY: WireRequest = { body: { source: 'x', destination: 'y' } };

function ollama(...models: string[]): Promise<SimulatedEndpoint> {
  return startSimulatedEndpoint({ kind: 'ollama', models });
}

function named(...endpoints: readonly SimulatedEndpoint[]): Configured[] {
  return endpoints.map((at, index) => ({ at, name: `gpu-${'abc'[index]}` }));
}

async function listed(router: RunningRouter): Promise<string[]> {
  return jsonOf(await router.ask('/api/tags')).models.map(({ name }: Json) => name);
}

function managed(endpoint: SimulatedEndpoint): string[] {
  return endpoint.requests
    .filter(({ path }) => path === '/api/delete' || path === '/api/copy')
    .map(({ method, path, body }) => `${method} ${path} ${body}`);
}

test('a model is removed wherever it is, and the list knows it at once', async () => {
  await using a = await ollama('x', 'keep');
  await using b = await ollama('keep');
  await using c = await ollama('x');
  await using router = await routerBefore([a, b, c]);
  const answer = await router.ask('/api/delete', REMOVE);
  assert.deepEqual([answer.status, answer.body.length, headerIn(answer, 'content-length')], [200, 0, '0']);
  const sent = 'DELETE /api/delete {"model":"","name":"x"}';
  assert.deepEqual([managed(a), managed(b), managed(c)], [[sent], [], [sent]]);
  assert.deepEqual(await listed(router), ['keep:latest']);
});

test('a model is copied wherever it is', async () => {
  await using a = await ollama('x');
  await using b = await ollama();
  await using c = await ollama('x');
  await using router = await routerBefore([a, b, c]);
  const answer = await router.ask('/api/copy', COPY);
  assert.deepEqual([answer.status, answer.body.length], [200, 0]);
  assert.deepEqual([managed(a).length, managed(b).length, managed(c).length], [1, 0, 1]);
  assert.deepEqual((await listed(router)).toSorted(), ['x:latest', 'y:latest']);
});

test('a model that came behind the router is found', async () => {
  await using a = await ollama();
  await using router = await routerBefore([a]);
  a.addModel('x');
  assert.equal((await router.ask('/api/delete', REMOVE)).status, 200);
});

test('a model that nobody has is answered in the words of Ollama', async () => {
  await using a = await ollama();
  await using b = await ollama();
  await using router = await routerBefore([a, b]);
  const removed = await router.ask('/api/delete', REMOVE);
  assert.deepEqual([removed.status, jsonOf(removed)], [404, { error: "model 'x' not found" }]);
  const copied = await router.ask('/api/copy', COPY);
  assert.deepEqual([copied.status, jsonOf(copied)], [404, { error: 'model "x" not found' }]);
  const invalid = await router.ask('/api/copy', { body: { source: 'x' } });
  assert.deepEqual([invalid.status, jsonOf(invalid)], [400, { error: 'destination "" is invalid' }]);
});

test('a model that another client removes at the same moment is removed', async () => {
  await using a = await ollama('x');
  await using b = await ollama('x');
  await using router = await routerBefore([a, b]);
  b.faults.add({ on: { path: '/api/delete' }, status: 404, body: { error: "model 'x' not found" } });
  assert.equal((await router.ask('/api/delete', REMOVE)).status, 200);
  a.faults.add({ on: { path: '/api/copy' }, status: 404, body: { error: 'model "x" not found' } });
  assert.equal((await router.ask('/api/copy', { body: { source: 'x', destination: 'y' } })).status, 200);
});

test('only the endpoints that the request names are touched', async () => {
  await using a = await ollama('x');
  await using b = await ollama('x');
  await using router = await routerBefore(named(a, b));
  await router.ask('/api/delete', { ...REMOVE, headers: { 'x-nomyo-endpoint': 'gpu-b' } });
  assert.deepEqual([managed(a).length, managed(b).length], [0, 1]);
  const again = await router.ask('/api/delete', { ...REMOVE, headers: { 'x-nomyo-endpoint': 'gpu-b' } });
  assert.equal(again.status, 404);
});

const FAULTS: readonly (readonly [string, FaultRule, number, string])[] = [
  ['refuses', { status: 503, body: { error: 'busy' } }, 503, 'gpu-b: busy'],
  ['hangs', { hang: true }, 504, 'gpu-b: sent nothing for 0.3 s'],
  ['breaks off', { cutAtByte: 0 }, 502, 'gpu-b: closed the connection early'],
];

for (const [path, request] of [
  ['/api/delete', REMOVE],
  ['/api/copy', COPY],
] as const) {
  for (const [what, fault, status, words] of FAULTS) {
    test(`${path}: where one of two ${what}, the other does it and the failure is named`, async () => {
      await using a = await ollama('x');
      await using b = await ollama('x');
      await using router = await routerBefore(named(a, b), SOON);
      b.faults.add({ ...fault, on: { path } });
      const answer = await router.ask(path, request);
      assert.deepEqual([answer.status, jsonOf(answer)], [status, { error: `${words} (succeeded on: gpu-a)` }]);
      assert.equal(managed(a).length, 1);
    });
  }

  test(`${path}: one that cannot be reached but had the model is a failure`, async () => {
    await using a = await ollama('x');
    await using b = await ollama('x');
    await using router = await routerBefore(named(a, b), SOON);
    await b.stop();
    const answer = await router.ask(path, request);
    assert.deepEqual(
      [answer.status, jsonOf(answer)],
      [502, { error: 'gpu-b: connection refused (succeeded on: gpu-a)' }],
    );
  });

  test(`${path}: where no endpoint was ever reached, nobody knows the model`, async () => {
    await using a = await ollama('x');
    await a.stop();
    await using router = await routerBefore(named(a), SOON);
    const answer = await router.ask(path, request);
    assert.deepEqual([answer.status, headerIn(answer, 'retry-after')], [503, '5']);
  });
}

test('a client that leaves is waited for by no endpoint', async () => {
  await using a = await ollama('x');
  await using router = await routerBefore([a]);
  a.faults.add({ on: { path: '/api/copy' }, hang: true });
  using wire = await openWire(router.port);
  wire.request('/api/copy', COPY);
  await a.waitFor(() => managed(a).length === 1);
  wire.leave();
  await allLeft(a, 1);
  assert.equal(onlyAsked(a).path, '/api/copy');
});
