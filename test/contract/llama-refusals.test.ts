import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { counts } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'say 3 tokens' }];
const ROUTES = ['/api/chat', '/v1/chat/completions', '/v1/messages'] as const;
const ASK = { body: { model: 'm', messages: MESSAGES, max_tokens: 5, stream: false } };

/** llama-server's own words for what it does not run, though it listed it (3.3). */
function refusal(code: number, message: string, type: string) {
  return { on: { method: 'POST' }, status: code, body: { error: { code, message, type } } } as const;
}

const ANOTHER_MAY = [
  ['does not know the model any more', refusal(400, "model 'm' not found", 'invalid_request_error')],
  ['may load nothing by itself', refusal(400, 'model is not loaded', 'invalid_request_error')],
  ['cannot load the model', refusal(500, 'model name=m failed to load', 'server_error')],
  ['is still loading', refusal(503, 'Loading model', 'unavailable_error')],
] as const;

/** Two llama-servers in router mode; the model is in the first one's memory, which is therefore asked first. */
async function pair() {
  const stack = new AsyncDisposableStack();
  const options = { kind: 'llama-server', mode: 'router', models: ['m'] } as const;
  const first = stack.use(await startSimulatedEndpoint({ ...options, loaded: ['m'] }));
  const second = stack.use(await startSimulatedEndpoint(options));
  const router = stack.use(await routerBefore([first, second]));
  return { first, second, router, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

for (const route of ROUTES) {
  describe(`${route}: another endpoint answers where a llama-server in router mode (3.2, 3.3, 4.10)`, () => {
    for (const [name, fault] of ANOTHER_MAY) {
      test(name, async () => {
        await using fleet = await pair();
        fleet.first.faults.add(fault);
        const answer = await fleet.router.ask(route, ASK);
        assert.equal(answer.status, 200, textOf(answer));
        assert.deepEqual(counts(fleet.first, fleet.second), [1, 1]);
      });
    }
  });
}

test('4.10 a llama-server that lost a model is asked anew what it has', async () => {
  await using fleet = await pair();
  fleet.first.removeModel('m');
  fleet.first.forgetRequests();
  await fleet.router.ask('/api/chat', ASK);
  await fleet.first.waitFor((requests) => requests.some(({ path, status }) => path === '/v1/models' && status === 200));
});

test('3.3 where nobody else has it, the client reads that the model was not found (1.3)', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', mode: 'router', models: ['m', 'n'] });
  await using router = await routerBefore([endpoint]);
  endpoint.removeModel('m');
  const answer = await router.ask('/api/chat', ASK);
  assert.ok(answer.status === 400 || answer.status === 404);
  assert.deepEqual(jsonOf(answer), { error: "model 'm' not found" });
});

for (const route of ROUTES) {
  test(`3.1 ${route}: where the only endpoint loads, the client is told to come back`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    endpoint.faults.add(refusal(503, 'Loading model', 'unavailable_error'));
    const answer = await router.ask(route, ASK);
    assert.equal(answer.status, 503);
    assert.match(headerIn(answer, 'retry-after') ?? '', /^\d+$/);
  });

  test(`3.1 ${route}: so it is where it loads since before the router came`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
    endpoint.faults.add({ ...refusal(503, 'Loading model', 'unavailable_error'), on: {} });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask(route, ASK);
    assert.equal(answer.status, 503);
    assert.match(headerIn(answer, 'retry-after') ?? '', /^\d+$/);
  });
}
