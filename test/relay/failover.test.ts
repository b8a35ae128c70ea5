import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule, SimulatedEndpoint } from '../../src/simulator/simulation.ts';
import { counts } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf, type WireAnswer } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'say 3 tokens' }];
const CHAT = { path: '/api/chat', body: { model: 'm', messages: MESSAGES } };
const COMPLETION = { path: '/v1/chat/completions', body: { model: 'm', messages: MESSAGES } };
const BUSY = { error: 'server busy, please try again.  maximum pending requests exceeded' };

/** Two endpoints with the same model, and the router, which tries the first one first. */
async function pair(kinds: readonly [EndpointKind, EndpointKind], timeouts = {}) {
  const stack = new AsyncDisposableStack();
  const first = stack.use(await startSimulatedEndpoint({ kind: kinds[0], models: ['m'], loaded: ['m'] }));
  const second = stack.use(await startSimulatedEndpoint({ kind: kinds[1], models: ['m'] }));
  const router = stack.use(await routerBefore([first, second], { timeouts }));
  return { first, second, router, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const FAULTS: readonly (readonly [string, FaultRule])[] = [
  ['resets before the head', { cutAtByte: 0 }],
  ['breaks off behind the head', { cutAtByte: 'head' }],
  ['breaks off in the first line', { cutAtByte: 9 }],
  ['has a full queue', { status: 503, body: BUSY }],
  ['limits the rate', { status: 429, body: { error: 'slow down' } }],
  ['does not have the model any more', { status: 404, body: { error: "model 'm' not found" } }],
  ['redirects', { status: 302, headers: { Location: 'http://127.0.0.1:1/' } }],
];

for (const streaming of [true, false]) {
  describe(`a ${streaming ? 'stream' : 'whole answer'} comes from the next endpoint, once, where one`, () => {
    const chat = { ...CHAT.body, stream: streaming };
    for (const [name, fault] of FAULTS) {
      test(name, async () => {
        await using fleet = await pair(['ollama', 'ollama']);
        fleet.first.faults.add({ on: { method: 'POST' }, ...fault });
        const answer = await fleet.router.ask('/api/chat', { body: chat });
        assert.equal(answer.status, 200, textOf(answer));
        assert.match(textOf(answer), /"done":true/);
        assert.doesNotMatch(textOf(answer), /"error"/);
        const [onFirst, onSecond] = counts(fleet.first, fleet.second);
        assert.equal(onSecond, 1);
        // A kept connection that is reset before its answer may have been given up long ago: that counts for nothing.
        assert.equal(onFirst, fault.cutAtByte === 0 ? 2 : 1);
        await fleet.router.idle();
      });
    }

    test('refuses connections', async () => {
      await using fleet = await pair(['ollama', 'ollama']);
      await fleet.first.stop();
      const answer = await fleet.router.ask('/api/chat', { body: chat });
      assert.match(textOf(answer), /"done":true/);
      assert.deepEqual(counts(fleet.second), [1]);
    });

    test('says nothing for too long', async () => {
      await using fleet = await pair(['ollama', 'ollama'], { first_byte: '500ms' });
      fleet.first.faults.add({ on: { method: 'POST' }, hang: true });
      const answer = await fleet.router.ask('/api/chat', { body: chat });
      assert.match(textOf(answer), /"done":true/);
      assert.deepEqual(counts(fleet.first, fleet.second), [1, 1]);
    });
  });
}

test('an endpoint of another protocol takes over from a native one, in the words of the client', async () => {
  await using fleet = await pair(['ollama', 'llama-server']);
  for (const endpoint of [fleet.first]) endpoint.faults.add({ on: { method: 'POST' }, cutAtByte: 9 });
  const answer = await fleet.router.ask('/api/chat', { body: CHAT.body });
  assert.match(textOf(answer), /"done":true/);
});

test('an answer with a length that is cut in the middle is never sent half', async () => {
  await using fleet = await pair(['ollama', 'ollama']);
  for (const endpoint of [fleet.first, fleet.second]) endpoint.faults.add({ on: { method: 'POST' }, cutAtByte: 60 });
  const answer = await fleet.router.ask('/api/chat', { body: { ...CHAT.body, stream: false } });
  assert.equal(answer.status, 502);
  assert.match(jsonOf(answer).error, /^no endpoint could serve 'm': \S+ closed the connection early, \S+ closed the/);
  assert.deepEqual(counts(fleet.first, fleet.second), [1, 1]);
});

describe('when no endpoint can serve', () => {
  const ask = (router: RunningRouter, { path, body }: typeof CHAT) => router.ask(path, { body });

  test("each endpoint's own reason is told in the client's protocol", async () => {
    for (const [request, read] of [
      [CHAT, (answer: WireAnswer) => jsonOf(answer).error],
      [COMPLETION, (answer: WireAnswer) => jsonOf(answer).error.message],
    ] as const) {
      await using fleet = await pair(['ollama', 'ollama']);
      fleet.first.faults.add({ on: { method: 'POST' }, cutAtByte: 0 });
      await fleet.second.stop();
      const answer = await ask(fleet.router, request);
      assert.equal(answer.status, 502);
      assert.match(
        read(answer),
        new RegExp(`127.0.0.1:${fleet.first.port} (connection reset|closed the connection early)`),
      );
      assert.match(read(answer), new RegExp(`127.0.0.1:${fleet.second.port} connection refused`));
      assert.equal(headerIn(answer, 'x-nomyo-error'), 'upstream_unreachable');
      assert.equal(headerIn(answer, 'content-type'), 'application/json; charset=utf-8');
    }
  });

  test('a silence is a 504', async () => {
    await using fleet = await pair(['ollama', 'openai'], { first_byte: '400ms' });
    for (const endpoint of [fleet.first, fleet.second]) endpoint.faults.add({ on: { method: 'POST' }, hang: true });
    const answer = await ask(fleet.router, COMPLETION);
    assert.equal(answer.status, 504);
    assert.equal(jsonOf(answer).error.code, 'upstream_timeout');
    assert.equal(jsonOf(answer).error.type, 'server_error');
    await fleet.router.idle();
  });

  test("the last endpoint's refusal is passed on, with a time to try again", async () => {
    await using fleet = await pair(['ollama', 'ollama']);
    for (const endpoint of [fleet.first, fleet.second])
      endpoint.faults.add({ on: { method: 'POST' }, status: 503, body: BUSY });
    const answer = await ask(fleet.router, CHAT);
    assert.deepEqual([answer.status, jsonOf(answer)], [503, BUSY]);
    assert.equal(headerIn(answer, 'retry-after'), '2');
    assert.deepEqual(counts(fleet.first, fleet.second), [1, 1]);
  });

  test('a rate limit is passed on with its headers', async () => {
    await using fleet = await pair(['openai', 'openai']);
    for (const endpoint of [fleet.first, fleet.second])
      endpoint.faults.add({
        on: { method: 'POST' },
        status: 429,
        body: { error: { message: 'slow down', type: 'requests', param: null, code: 'rate_limit_exceeded' } },
        headers: { 'Retry-After': '20', 'x-ratelimit-remaining-requests': '0' },
      });
    for (const request of [CHAT, COMPLETION]) {
      const answer = await ask(fleet.router, request);
      assert.equal(answer.status, 429);
      assert.equal(headerIn(answer, 'retry-after'), '20');
      assert.equal(headerIn(answer, 'x-ratelimit-remaining-requests'), '0');
      const { error } = jsonOf(answer);
      if (request === CHAT) assert.equal(error, 'slow down');
      else assert.equal(error.code, 'rate_limit_exceeded');
    }
  });
});

test('an endpoint that lost a model is asked anew what it has', async () => {
  await using fleet = await pair(['ollama', 'ollama']);
  fleet.first.removeModel('m');
  fleet.first.forgetRequests();
  assert.equal((await fleet.router.ask('/api/chat', { body: CHAT.body })).status, 200);
  await fleet.first.waitFor((requests) => requests.some(({ path, status }) => path === '/api/tags' && status === 200));
  await untilListedBy(fleet.router, [fleet.second]);
  assert.equal((await fleet.router.ask('/api/chat', { body: CHAT.body })).status, 200);
  assert.deepEqual(counts(fleet.first), [1]);
});

/** Resolves when these endpoints alone have a model to offer. */
async function untilListedBy(router: RunningRouter, endpoints: readonly SimulatedEndpoint[]): Promise<void> {
  const urls = endpoints.map(({ url }) => url).join();
  const listed = () => router.app.states().filter(({ findings }) => (findings?.models.length ?? 0) > 0);
  while (
    listed()
      .map(({ endpoint }) => endpoint.url)
      .join() !== urls
  )
    await router.ask('/health/live');
}

test('endpoints that all refuse connections are told of one by one, and are unreachable from then on', async () => {
  await using fleet = await pair(['ollama', 'ollama']);
  await fleet.first.stop();
  await fleet.second.stop();
  const answer = await fleet.router.ask('/v1/chat/completions', { body: COMPLETION.body });
  assert.equal(answer.status, 502);
  assert.equal(jsonOf(answer).error.message.match(/connection refused/g)?.length, 2);
  assert.equal((await fleet.router.ask('/v1/chat/completions', { body: COMPLETION.body })).status, 503);
});
