import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf, type WireAnswer } from '../support/wire.ts';

const messages = [{ role: 'user', content: 'x' }];
const OPENAI: Readonly<Record<string, object>> = {
  '/v1/chat/completions': { messages },
  '/v1/completions': { prompt: 'x' },
  '/v1/embeddings': { input: 'x' },
  '/v1/responses': { input: 'x' },
  '/v1/rerank': { query: 'q', documents: ['a'] },
  '/rerank': { query: 'q', documents: ['a'] },
};
const ANTHROPIC: Readonly<Record<string, object>> = {
  '/v1/messages': { messages, max_tokens: 5 },
  '/v1/messages/count_tokens': { messages },
};
const ALL = { ...OPENAI, ...ANTHROPIC };

/** Status, and what an error says in the shape that clients of the path read; fails where there is more or less of it. */
function errorOf(path: string, answer: WireAnswer) {
  const { error, ...rest } = jsonOf(answer);
  assert.match(headerIn(answer, 'content-type') ?? '', /^application\/json/);
  assert.ok(headerIn(answer, 'x-request-id'));
  if (path in ANTHROPIC) {
    assert.deepEqual(rest, { type: 'error', request_id: headerIn(answer, 'x-request-id') });
    assert.deepEqual(Object.keys(error), ['type', 'message']);
  } else {
    assert.deepEqual(rest, {});
    assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
  }
  return { status: answer.status, type: error.type, message: error.message, code: error.code };
}

/** Asks each route for a model, with the path that is written in front of it. */
async function everywhere(router: RunningRouter, model: string, see: (path: string, answer: WireAnswer) => void) {
  for (const [path, fields] of Object.entries(ALL)) see(path, await router.ask(path, { body: { model, ...fields } }));
}

describe("2.10 an error of the router's own has the shape of the route", () => {
  test('a model that nobody has is not found', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    await everywhere(router, 'nope', (path, answer) => {
      const { status, type, message, code } = errorOf(path, answer);
      assert.deepEqual([status, message], [404, "model 'nope' not found"]);
      const expected =
        path in ANTHROPIC ? ['not_found_error', undefined] : ['invalid_request_error', 'model_not_found'];
      assert.deepEqual([type, code], expected);
    });
  });

  test('a model whose endpoint is gone is unavailable, and worth another try', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    await endpoint.stop();
    await router.ask('/v1/chat/completions', { body: { model: 'm', messages } });
    await everywhere(router, 'm', (path, answer) => {
      const { status, type } = errorOf(path, answer);
      assert.deepEqual([status, type], [503, path in ANTHROPIC ? 'overloaded_error' : 'server_error']);
      const seconds = Number(headerIn(answer, 'retry-after'));
      assert.ok(seconds >= 1 && seconds <= 10, `Retry-After: ${seconds}`);
    });
  });

  test('a missing key and a wrong one are told alike', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
    await using router = await routerBefore([endpoint], { router_api_key: 'mine' });
    await everywhere(router, 'm', (path, answer) => {
      const { status, type } = errorOf(path, answer);
      assert.deepEqual([status, type], [401, 'authentication_error']);
    });
    for (const path of Object.keys(ALL)) {
      const answer = await router.ask(path, { headers: { 'X-Api-Key': 'other' }, body: {} });
      assert.equal(errorOf(path, answer).code, path in ANTHROPIC ? undefined : 'invalid_api_key');
    }
    assert.equal(asked(endpoint).length, 0);
  });

  test('another method, another encoding and no JSON are told alike', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const path of Object.keys(ALL)) {
      const wrong = await router.ask(path, { method: 'GET' });
      assert.deepEqual([errorOf(path, wrong).status, headerIn(wrong, 'allow')], [405, 'POST']);
      const packed = await router.ask(path, { headers: { 'Content-Encoding': 'lz4' }, body: '{}' });
      assert.equal(errorOf(path, packed).status, 415);
      for (const body of ['', '{', '[]', 'null', '{}', '{"model":5}', '{"model":null}', '{"model":""}'])
        assert.equal(errorOf(path, await router.ask(path, { body })).status, 400, `${path} ${body}`);
    }
  });
});

describe('2.10 an error of an endpoint has the shape of the route', () => {
  const FOREIGN: readonly [status: number, body: string | Readonly<Record<string, unknown>>, message: string][] = [
    [400, { error: 'in the shape of Ollama' }, 'in the shape of Ollama'],
    [400, { object: 'error', message: 'a very old vLLM', type: 'BadRequestError', code: 40001 }, 'a very old vLLM'],
    [500, { detail: 'a web framework' }, 'a web framework'],
    [422, { detail: [{ loc: ['body'], msg: 'bad' }] }, '{"detail":[{"loc":["body"],"msg":"bad"}]}'],
    [500, '<h1>a proxy</h1>', '<h1>a proxy</h1>'],
  ];
  for (const [status, body, message] of FOREIGN) {
    test(`${status} ${JSON.stringify(body)}`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind: 'vllm', models: ['m'] });
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({ on: { method: 'POST' }, status, body });
      await everywhere(router, 'm', (path, answer) => {
        assert.deepEqual([errorOf(path, answer).status, errorOf(path, answer).message], [status, message]);
      });
    });
  }

  test('one that has it already is the same to the byte, whatever the type of its code and without a param', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'vllm', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const openai = '{ "error" : {"code":400, "message":"no\\u003c","type":"BadRequestError"}, "x":1e400}';
    const anthropic = '{"type":"error", "error":{"type":"invalid_request_error","message":"no"},"request_id":"req_1"}';
    for (const [path, fields] of Object.entries(ALL)) {
      const body = path in ANTHROPIC ? anthropic : openai;
      endpoint.faults.clear();
      endpoint.faults.add({
        on: { method: 'POST' },
        status: 418,
        body,
        headers: { 'Content-Type': 'application/json' },
      });
      const answer = await router.ask(path, { body: { model: 'm', ...fields } });
      assert.deepEqual([answer.status, textOf(answer)], [418, body]);
    }
  });
});

for (const kind of ['vllm', 'openai', 'llama-server'] as const) {
  test(`2.10 a refused key of the router's own is no fault of the client, on every route of ${kind}`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const status of [401, 403]) {
      endpoint.faults.clear();
      endpoint.faults.add({ on: { method: 'POST' }, status, body: { error: { message: 'Invalid key sk-123' } } });
      await everywhere(router, 'm', (path, answer) => {
        const { status: told, type } = errorOf(path, answer);
        assert.deepEqual([told, type], [502, path in ANTHROPIC ? 'api_error' : 'server_error']);
        assert.equal(headerIn(answer, 'x-should-retry'), 'false');
        assert.doesNotMatch(textOf(answer), /sk-123/);
      });
    }
  });
}
