import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule } from '../../src/simulator/simulation.ts';
import { counts } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf, type WireAnswer } from '../support/wire.ts';

const BODY = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
const CHAT = '/api/chat';
const COMPLETION = '/v1/chat/completions';

/** What the client of one path gets where every request of it is answered with this. */
async function refused(kind: EndpointKind, path: string, fault: FaultRule): Promise<WireAnswer> {
  await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ on: { method: 'POST' }, ...fault });
  const answer = await router.ask(path, { body: BODY });
  assert.deepEqual(counts(endpoint), [1]);
  await router.idle();
  return answer;
}

for (const kind of ['openai', 'vllm', 'llama-server'] as const) {
  for (const path of [CHAT, COMPLETION]) {
    for (const status of [401, 403]) {
      test(`a ${status} of ${kind} on ${path} is a 502 that names the endpoint and not its key`, async () => {
        const body = { error: { message: 'Incorrect API key provided: sk-SECRET', code: 'invalid_api_key' } };
        const answer = await refused(kind, path, { status, body, headers: { 'WWW-Authenticate': 'SECRET' } });
        assert.equal(answer.status, 502);
        assert.match(textOf(answer), /endpoint 127\.0\.0\.1:\d+ refused the router's credentials/);
        assert.doesNotMatch(`${textOf(answer)} ${JSON.stringify(answer.headers)}`, /SECRET/);
        assert.equal(headerIn(answer, 'x-should-retry'), 'false');
        assert.equal(headerIn(answer, 'x-nomyo-error'), 'upstream_auth');
      });
    }
  }
}

test("Ollama's own 401, a question to sign in, is passed on as it is", async () => {
  const body = '{"error":"unauthorized", "signin_url":"https://ollama.com/connect?name=x"}';
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'X-Extra': '1' };
  const answer = await refused('ollama', CHAT, { status: 401, body, headers });
  assert.equal(answer.status, 401);
  assert.equal(textOf(answer), body);
  assert.equal(headerIn(answer, 'x-extra'), '1');
});

const OLLAMA_ERROR =
  '{"error":"{\\"error\\":{\\"code\\":400,\\"message\\":\\"exceeds the available context size\\"}}"}';
const OPENAI_ERROR =
  '{"error":{"message":"too long: exceeds the available context size","type":"x", "code":400,"n_ctx":5}}';

test('an error that is in the protocol of the client already keeps status, words and type to the byte', async () => {
  for (const [kind, path, body, type] of [
    ['ollama', CHAT, OLLAMA_ERROR, 'application/json'],
    ['llama-server', COMPLETION, OPENAI_ERROR, 'application/json; charset=utf-8'],
    ['openai', COMPLETION, OPENAI_ERROR, 'application/json; charset=weird'],
    ['ollama', COMPLETION, OPENAI_ERROR, 'application/json'],
  ] as const) {
    for (const status of [400, 404, 422, 500, 501]) {
      const answer = await refused(kind, path, { status, body, headers: { 'Content-Type': type } });
      assert.deepEqual([answer.status, textOf(answer), headerIn(answer, 'content-type')], [status, body, type]);
    }
  }
});

test('an error in other words is told in those of the client', async () => {
  const cases: readonly (readonly [EndpointKind, string, string, unknown])[] = [
    ['llama-server', CHAT, OPENAI_ERROR, { error: 'too long: exceeds the available context size' }],
    ['openai', CHAT, '<html>Bad gateway</html>', { error: '<html>Bad gateway</html>' }],
    ['vllm', CHAT, '{"object":"error","message":"old vLLM","code":400}', { error: 'old vLLM' }],
    ['ollama', CHAT, 'plain words', { error: 'plain words' }],
  ];
  for (const [kind, path, body, expected] of cases) {
    const answer = await refused(kind, path, { status: 400, body });
    assert.deepEqual([answer.status, jsonOf(answer)], [400, expected]);
    assert.equal(headerIn(answer, 'content-type'), 'application/json; charset=utf-8');
  }
  const answer = await refused('ollama', COMPLETION, { status: 404, body: OLLAMA_ERROR });
  assert.deepEqual(jsonOf(answer).error, {
    message: 'exceeds the available context size',
    type: 'invalid_request_error',
    param: null,
    code: 'context_length_exceeded',
  });
});

test('a refusal without a word names the endpoint and the status', async () => {
  const answer = await refused('ollama', CHAT, { status: 500, body: '' });
  assert.match(jsonOf(answer).error, /^127\.0\.0\.1:\d+ answered 500$/);
});

test('an error in place of a stream keeps its status, whatever the client asked for', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const sse = 'data: {"error":{"message":"out of memory","code":507}}\n\n';
  endpoint.faults.add({
    on: { method: 'POST' },
    status: 200,
    body: sse,
    headers: { 'Content-Type': 'text/event-stream' },
  });
  const answer = await router.ask(CHAT, { body: BODY });
  assert.deepEqual([answer.status, jsonOf(answer)], [507, { error: 'out of memory' }]);
});
