import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import type { ListedModel } from '../../src/domain/model.ts';
import { RouterError } from '../../src/errors.ts';
import { Catalog } from '../../src/routing/catalog.ts';
import { loadedFirst } from '../../src/routing/policy.ts';
import { Router } from '../../src/routing/router.ts';
import { Slots } from '../../src/routing/slots.ts';
import { endpointOf, modelOf } from '../support/listings.ts';

const [a, b, c] = ['a', 'b', 'c'].map((name) => endpointOf('ollama', { name })) as [Endpoint, Endpoint, Endpoint];

function routerOf(having: readonly (readonly [Endpoint, ...ListedModel[]])[], defaultSlots = 1): Router {
  const catalog = new Catalog(having.map(([endpoint]) => endpoint));
  for (const [endpoint, ...models] of having) catalog.found(endpoint, { version: '1', models });
  return new Router(catalog, new Slots(), loadedFirst, defaultSlots, () => 0);
}

const nativeToOllama = ({ kind }: Endpoint) => (kind === 'ollama' ? 'native' : 'translated');
const nativeToAll = () => 'native' as const;

function refusal(act: () => unknown): RouterError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof RouterError, `${error}`);
    return error;
  }
  return assert.fail('nothing was thrown');
}

test('1.3 a model that no endpoint has is 404, in words that clients look for', () => {
  const error = refusal(() => routerOf([[a, modelOf('x')]]).place("it's", nativeToOllama, new Set()));
  assert.deepEqual(
    [error.code, error.status, error.message, error.details.param],
    ['model_not_found', 404, "model 'it's' not found", 'model'],
  );
});

test('a model that only an unreachable endpoint has is 503 and says where it is', () => {
  const router = routerOf([[a, modelOf('x')], [b]]);
  router.catalog.failed(a, 'refused', false);
  const error = refusal(() => router.place('x', nativeToOllama, new Set()));
  assert.deepEqual([error.code, error.status, error.details.retryAfterSeconds], ['model_unavailable', 503, 5]);
  assert.match(error.message, /only on a, /);
});

test('a model is 503 while no endpoint can be reached at all', () => {
  const router = routerOf([[a]]);
  router.catalog.failed(a, 'refused', false);
  assert.deepEqual(refusal(() => router.place('x', nativeToOllama, new Set())).code, 'model_unavailable');
});

test('an endpoint that was tried is not tried again, and when all were there is none', () => {
  const router = routerOf([
    [a, modelOf('x')],
    [b, modelOf('x')],
  ]);
  assert.equal(router.place('x', nativeToOllama, new Set([a]))?.endpoint, b);
  assert.equal(router.place('x', nativeToOllama, new Set([a, b])), undefined);
});

test('placing takes a slot at once, and the next request goes where one is free', () => {
  const router = routerOf([
    [a, modelOf('x:latest')],
    [b, modelOf('X:latest')],
    [c, modelOf('x:latest', { loaded: false })],
  ]);
  const placements = [1, 2, 3].map(() => router.place('x', nativeToOllama, new Set()));
  assert.deepEqual(
    placements.map((placement) => placement?.endpoint.name),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(router.slots.snapshot(), {
    'http://a': { 'x:latest': 1 },
    'http://b': { 'X:latest': 1 },
    'http://c': { 'x:latest': 1 },
  });
  placements[1]?.[Symbol.dispose]();
  placements[1]?.[Symbol.dispose]();
  assert.equal(router.place('x', nativeToOllama, new Set())?.endpoint, b);
});

test('slots are those of the endpoint’s configuration, else those it reports, else the default', () => {
  const configured = endpointOf('ollama', { name: 'configured', slots: 3 });
  const router = routerOf(
    [
      [configured, modelOf('x', { slots: 9 })],
      [a, modelOf('x', { slots: 2 })],
      [b, modelOf('x')],
    ],
    1,
  );
  for (let i = 0; i < 6; i++) router.place('x', nativeToOllama, new Set());
  assert.deepEqual(
    [configured, a, b].map((endpoint) => router.slots.inFlight(endpoint, 'x')),
    [3, 2, 1],
  );
});

test('4.1 among equals the endpoint that speaks the client’s protocol is chosen', () => {
  const vllm = endpointOf('vllm');
  const router = routerOf(
    [
      [vllm, modelOf('x:1')],
      [a, modelOf('x:1')],
    ],
    9,
  );
  assert.equal(router.place('x:1', nativeToOllama, new Set())?.endpoint, a);
  assert.equal(
    routerOf([
      [vllm, modelOf('x:1')],
      [a, modelOf('x:1')],
    ]).place('x:1', nativeToAll, new Set())?.endpoint,
    vllm,
  );
});

test('3.2 an endpoint where the model failed to load is the last resort', () => {
  const router = routerOf([
    [a, modelOf('x', { failed: true, loaded: false })],
    [b, modelOf('x')],
    [c, modelOf('x')],
  ]);
  const placed = [1, 2, 3].map(() => router.place('x', nativeToOllama, new Set())?.endpoint.name);
  assert.deepEqual(placed, ['b', 'c', 'b']);
  assert.equal(router.place('x', nativeToOllama, new Set([b, c]))?.endpoint, a);
});
