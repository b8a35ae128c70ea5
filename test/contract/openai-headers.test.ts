import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, textOf } from '../support/wire.ts';

const CHAT = '/v1/chat/completions';
const BODY = { model: 'm', messages: [{ role: 'user', content: 'say 1 tokens' }] };
const KINDS = ['ollama', 'llama-server', 'vllm', 'openai'] as const;

/** Headers of an answer that clients read (contract 2.10). */
const READ = {
  'x-request-id': 'theirs',
  'retry-after': '7',
  'retry-after-ms': '6500',
  'x-should-retry': 'true',
  'x-ratelimit-limit-requests': '10',
  'x-ratelimit-limit-tokens': '1000',
  'x-ratelimit-remaining-requests': '9',
  'x-ratelimit-remaining-tokens': '900',
  'x-ratelimit-reset-requests': '1s',
  'x-ratelimit-reset-tokens': '6m0s',
  'openai-processing-ms': '12',
  'openai-version': '2020-10-01',
  'openai-organization': 'org',
} as const;

describe('2.10 the headers that clients read come through', () => {
  const ANSWERS: readonly [name: string, status: number, body: string, type: string][] = [
    ['with a whole answer', 200, '{"choices":[]}', 'application/json'],
    ['with a stream', 200, 'data: [DONE]\n\n', 'text/event-stream'],
    ['with an error', 429, '{"error":{"message":"slow"}}', 'application/json'],
  ];
  for (const kind of KINDS) {
    for (const [name, status, body, type] of ANSWERS) {
      test(`${name} of ${kind}, each once`, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
        await using router = await routerBefore([endpoint]);
        endpoint.faults.add({ on: { method: 'POST' }, status, body, headers: { ...READ, 'Content-Type': type } });
        const answer = await router.ask(CHAT, { body: BODY });
        assert.equal(answer.status, status);
        for (const [header, value] of Object.entries(READ)) assert.equal(headerIn(answer, header), value);
      });
    }
  }

  test('an error in other words keeps those that speak of trying again', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'vllm', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    endpoint.faults.add({ on: { method: 'POST' }, status: 429, body: 'slow down', headers: READ });
    const answer = await router.ask(CHAT, { body: BODY });
    for (const header of [
      'x-request-id',
      'retry-after',
      'retry-after-ms',
      'x-should-retry',
      'x-ratelimit-reset-tokens',
    ] as const)
      assert.equal(headerIn(answer, header), READ[header]);
  });
});

describe('2.10 every answer has an id', () => {
  test("the client's own, which the endpoint is sent too, where the endpoint gives none", async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const headers = { 'X-Request-Id': 'mine-1' };
    for (const [path, body] of [
      [CHAT, BODY],
      [CHAT, { ...BODY, stream: true }],
      [CHAT, { ...BODY, model: 'nope' }],
      ['/v1/models', undefined],
      ['/v1/nothing', undefined],
    ] as const) {
      const answer = await router.ask(path, { headers, ...(body && { body }) });
      assert.equal(headerIn(answer, 'x-request-id'), 'mine-1', path);
    }
    const [first] = endpoint.requests.filter(({ path }) => path === CHAT);
    assert.deepEqual(
      first?.headers.filter(([name]) => /^x-request-id$/i.test(name)),
      [['X-Request-Id', 'mine-1']],
    );
  });

  test('a new one each time where the client sent none, or one that could do harm', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const ids = new Set<string | undefined>();
    for (const given of [undefined, undefined, 'with space', '<b>', 'x'.repeat(200), '\u00e9'])
      ids.add(
        headerIn(await router.ask('/v1/models', given ? { headers: { 'X-Request-Id': given } } : {}), 'x-request-id'),
      );
    assert.equal(ids.size, 6);
    for (const id of ids) assert.match(id ?? '', /^[\w-]+$/);
  });
});

describe("1.2, 2.1 what official clients send reaches the endpoint, but for what is the router's", () => {
  const SENT = [
    ['OpenAI-Organization', 'org'],
    ['OpenAI-Project', 'proj'],
    ['OpenAI-Beta', 'assistants=v2'],
    ['X-Stainless-Lang', 'js'],
    ['X-Stainless-Retry-Count', '0'],
    ['anthropic-version', '2023-06-01'],
    ['anthropic-beta', 'tools'],
    ['Idempotency-Key', 'stainless-1'],
    ['User-Agent', 'OpenAI/JS 7'],
  ] as const;
  for (const kind of KINDS) {
    test(`${kind}`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint], { router_api_key: 'mine' });
      const headers = [
        ...SENT,
        ['Authorization', 'Bearer mine'],
        ['x-api-key', 'mine'],
        ['Accept', 'application/json'],
      ] as const;
      const answer = await router.ask(`${CHAT}?api_key=mine&api-version=1`, {
        headers,
        body: { ...BODY, stream: true },
      });
      assert.equal(answer.status, 200, textOf(answer));
      // The body alone decides on a stream.
      assert.match(headerIn(answer, 'content-type') ?? '', /^text\/event-stream/);
      const got = onlyAsked(endpoint);
      assert.deepEqual(
        got.headers.filter(([name]) => SENT.some(([sent]) => sent === name)),
        SENT.map((pair) => [...pair]),
      );
      assert.equal(got.target, `${CHAT}?api-version=1`);
      assert.doesNotMatch(JSON.stringify(got.headers), /mine/);
    });
  }
});

describe('2.1 whether and when to try again', () => {
  test('a busy endpoint that names no time gets one of 1 to 10 seconds, on a 503', async () => {
    for (const kind of KINDS) {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({ on: { method: 'POST' }, status: 503, body: { error: { message: 'busy' } } });
      const answer = await router.ask(CHAT, { body: BODY });
      assert.deepEqual([answer.status, headerIn(answer, 'x-should-retry')], [503, undefined]);
      const seconds = Number(headerIn(answer, 'retry-after'));
      assert.ok(seconds >= 1 && seconds <= 10, `${kind}: ${seconds}`);
    }
  });

  test('an endpoint that turned a prompt too long into a 5xx is not to be asked again, unless it says so', async () => {
    const message =
      'input (900 tokens) is too large to process. increase the physical batch size (current batch size: 512)';
    for (const kind of KINDS) {
      await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
      await using router = await routerBefore([endpoint]);
      for (const [headers, expected] of [
        [{}, 'false'],
        [{ 'X-Should-Retry': 'true' }, 'true'],
      ] as const) {
        endpoint.faults.clear();
        endpoint.faults.add({ on: { method: 'POST' }, status: 500, body: { error: { message } }, headers });
        const answer = await router.ask('/v1/embeddings', { body: { model: 'm', input: 'x' } });
        assert.deepEqual([answer.status, headerIn(answer, 'x-should-retry')], [500, expected], kind);
      }
    }
  });

  test('what no endpoint of the model can do will not be done the next time', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const [path, fields] of [
      ['/v1/rerank', { query: 'q', documents: ['a'] }],
      ['/v1/messages/count_tokens', { messages: BODY.messages }],
    ] as const) {
      const answer = await router.ask(path, { body: { model: 'm', ...fields } });
      assert.deepEqual([answer.status, headerIn(answer, 'x-should-retry')], [501, 'false']);
    }
  });
});
