import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { asked } from '../support/records.ts';
import { eventually, type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const PATH = '/v1/chat/completions';
const OLD: SimulatedEndpointOptions = {
  kind: 'ollama',
  models: ['m', 'gone'],
  loaded: ['m'],
  version: '0.1.20',
  lacks: [PATH],
};
const BODY = { model: 'm', messages: [{ role: 'user', content: 'say 3 tokens' }] };

const paths = (endpoint: SimulatedEndpoint) => asked(endpoint).map(({ path }) => path);

/** Asks, and asserts that there was an answer. */
async function ask(router: RunningRouter, body: object = BODY): Promise<string> {
  const answer = await router.ask(PATH, { body });
  assert.equal(answer.status, 200, textOf(answer));
  return textOf(answer);
}

describe('a route that an endpoint turns out not to have', () => {
  test('is asked for once: from then on the endpoint is asked in its own words, at once', async () => {
    await using endpoint = await startSimulatedEndpoint(OLD);
    await using router = await routerBefore([endpoint]);
    for (let i = 0; i < 2; i++) assert.match(await ask(router), /"object":"chat\.completion"/);
    assert.match(await ask(router, { ...BODY, stream: true }), /"finish_reason":"stop".*\n\ndata: \[DONE\]\n\n$/);
    assert.deepEqual(paths(endpoint), [PATH, '/api/chat', '/api/chat', '/api/chat']);
    await router.idle();
  });

  test('is missing there alone: another endpoint is asked in the words of the client', async () => {
    await using old = await startSimulatedEndpoint(OLD);
    await using current = await startSimulatedEndpoint({ ...OLD, lacks: [] });
    await using router = await routerBefore([old, current]);
    for (let i = 0; i < 20; i++) await ask(router);
    assert.ok(paths(old).filter((path) => path === PATH).length <= 1, 'found out once at most');
    assert.ok(paths(current).every((path) => path === PATH));
  });

  test('is none of the changes that a request may have, nor told as one', async () => {
    await using endpoint = await startSimulatedEndpoint(OLD);
    await using router = await routerBefore([endpoint], { recovery: { context: true, tools: true } });
    endpoint.faults.add({
      on: { path: '/api/chat' },
      times: 2,
      status: 400,
      body: { error: 'request (9 tokens) exceeds the available context size (8 tokens)' },
    });
    const messages = [1, 2, 3, 4].map((n) => ({ role: 'user', content: `${n} ${'x'.repeat(200)}` }));
    const answer = await router.ask(PATH, { body: { model: 'm', messages } });
    assert.equal(answer.status, 200, textOf(answer));
    assert.match(
      headerIn(answer, 'x-nomyo-recovered') ?? '',
      /^oldest messages left out \(1\); oldest messages left out/,
    );
    assert.deepEqual(paths(endpoint), [PATH, '/api/chat', '/api/chat', '/api/chat']);
  });

  test('says what of the request its other words cannot say', async () => {
    await using endpoint = await startSimulatedEndpoint(OLD);
    await using router = await routerBefore([endpoint]);
    for (let i = 0; i < 2; i++) {
      const answer = await router.ask(PATH, { body: { ...BODY, user: 'me' } });
      assert.deepEqual([answer.status, headerIn(answer, 'x-nomyo-dropped')], [200, 'user']);
    }
    const { status } = await router.ask(PATH, { body: { ...BODY, n: 2 } });
    assert.equal(status, 400);
  });

  for (const [status, body] of [
    [404, '404 page not found'],
    [404, ''],
    [404, '{"detail":"Not Found"}'],
    [405, '405 method not allowed'],
    [501, '{"error":"not implemented"}'],
  ] as const) {
    test(`is known by a ${status} that says ${JSON.stringify(body)}, whatever the endpoint is called`, async () => {
      await using endpoint = await startSimulatedEndpoint({ ...OLD, lacks: [] });
      await using router = await routerBefore([{ at: endpoint, name: 'my-models' }]);
      endpoint.faults.add({ on: { path: PATH }, times: 1, status, body });
      await ask(router);
      await ask(router);
      assert.deepEqual(paths(endpoint), [PATH, '/api/chat', '/api/chat']);
    });
  }

  for (const [status, error] of [
    [404, "model 'm' not found"],
    [404, 'model "m" not found, try pulling it first'],
    [400, '404 page not found'],
    [500, 'no route'],
    [503, 'server busy'],
  ] as const) {
    test(`is not meant by a ${status} that says ${error}`, async () => {
      await using endpoint = await startSimulatedEndpoint({ ...OLD, lacks: [] });
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({ on: { path: PATH }, times: 1, status, body: { error } });
      const answer = await router.ask(PATH, { body: BODY });
      assert.equal(answer.status, status);
      assert.match(jsonOf(answer).error.message, new RegExp(error));
      await ask(router);
      assert.deepEqual(paths(endpoint), [PATH, PATH]);
    });
  }

  test('and whose other words are unknown there too is refused', async () => {
    await using endpoint = await startSimulatedEndpoint({ ...OLD, lacks: [PATH, '/api/chat'] });
    await using router = await routerBefore([endpoint]);
    assert.equal((await router.ask(PATH, { body: BODY })).status, 404);
    assert.deepEqual(paths(endpoint), [PATH, '/api/chat']);
    await router.idle();
  });

  test('is refused where there are no other words for it', async () => {
    for (const kind of ['openai', 'vllm', 'llama-server'] as const) {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'], lacks: [PATH] });
      await using router = await routerBefore([endpoint]);
      for (let i = 0; i < 2; i++) assert.equal((await router.ask(PATH, { body: BODY })).status, 404);
      assert.deepEqual(paths(endpoint), [PATH, PATH]);
    }
  });
});

describe('what is known to be missing', () => {
  /** The server is replaced by another one on its port, between two probes. */
  async function replaced(old: SimulatedEndpoint, options: SimulatedEndpointOptions): Promise<SimulatedEndpoint> {
    const { port } = old;
    await old.stop();
    return startSimulatedEndpoint({ ...options, port });
  }

  for (const [version, forgotten] of [
    ['0.30.0', true],
    ['0.1.20', false],
  ] as const) {
    test(`is ${forgotten ? 'forgotten' : 'still known'} when the version that a probe finds is ${version}`, async () => {
      await using old = await startSimulatedEndpoint(OLD);
      await using router = await routerBefore([old]);
      await ask(router);
      await using next = await replaced(old, { ...OLD, models: ['m'], version, lacks: [] });
      // A model that is listed and not there makes the router look again.
      assert.equal((await router.ask(PATH, { body: { ...BODY, model: 'gone' } })).status, 404);
      await eventually(() => router.app.states()[0]?.findings?.models.length === 1);
      await ask(router);
      assert.equal(paths(next).at(-1), forgotten ? PATH : '/api/chat');
    });
  }

  test('is forgotten when the endpoint was out of reach', async () => {
    await using endpoint = await startSimulatedEndpoint(OLD);
    await using router = await routerBefore([endpoint]);
    await ask(router);
    await endpoint.stop();
    assert.equal((await router.ask(PATH, { body: BODY })).status, 502);
    await eventually(() => router.app.states()[0]?.health === 'unreachable');
    await endpoint.start();
    await eventually(() => router.app.states()[0]?.health === 'healthy');
    endpoint.forgetRequests();
    await ask(router);
    assert.deepEqual(paths(endpoint), [PATH, '/api/chat'], 'it is asked for the route again');
  });
});
