import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { routerBefore } from '../support/router.ts';
import { sse } from '../support/streams.ts';
import { headerIn, type Json, jsonOf, textOf } from '../support/wire.ts';

const CHAT = '/v1/chat/completions';
const BODY = { model: 'm', messages: [{ role: 'user', content: 'x' }] };

test('2.10 a refusal is passed on with its status however long it is: vLLM echoes the input that it refuses', async () => {
  for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
    await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const message = `Input should be a valid string, input: ${'x'.repeat(2 * 1024 * 1024)}`;
    endpoint.faults.add({ on: { method: 'POST' }, status: 400, body: { error: { message } } });
    const answer = await router.ask(CHAT, { body: BODY });
    assert.equal(answer.status, 400, `${kind}: ${textOf(answer).slice(0, 200)}`);
  }
});

test('2.1 a model that fails to load will fail the next time, too: x-should-retry is false', async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: [{ name: 'm', failsToLoad: true }],
  });
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask(CHAT, { body: BODY });
  assert.deepEqual([answer.status, jsonOf(answer).error.message], [500, 'model name=m failed to load']);
  assert.equal(headerIn(answer, 'x-should-retry'), 'false');
});

test('2.1, 2.6 what a server was not started for (501) it will not do the next time: x-should-retry is false', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const [path, fields] of [
    ['/v1/embeddings', { input: 'x' }],
    ['/v1/rerank', { query: 'q', documents: ['a'] }],
  ] as const) {
    const answer = await router.ask(path, { body: { model: 'm', ...fields } });
    assert.deepEqual([answer.status, headerIn(answer, 'x-should-retry')], [501, 'false'], path);
  }
});

test('2.4 an empty text is embedded by an Ollama that lacks /v1/embeddings, as by one that has it', async () => {
  for (const lacks of [[], ['/v1/embeddings']]) {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], lacks });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask('/v1/embeddings', { body: { model: 'm', input: '' } });
    assert.deepEqual(
      [answer.status, jsonOf(answer).data?.length],
      [200, 1],
      `${lacks}: ${textOf(answer).slice(0, 200)}`,
    );
  }
});

test('2.1 a finish is one whatever the white space around it, where no [DONE] follows', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const said of ['data: {"choices":[{"index":0,"delta":{},"finish_reason" : "stop"}]}\n\n']) {
    endpoint.faults.clear();
    endpoint.faults.add({ on: { method: 'POST' }, ...sse(said) });
    assert.equal(textOf(await router.ask(CHAT, { body: { ...BODY, stream: true } })), said);
  }
});

test('2.2 a media type is read in any case of letters', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const said = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
  const headers = { 'Content-Type': 'Text/Event-Stream; charset=UTF-8' };
  endpoint.faults.add({ on: { method: 'POST' }, status: 200, body: said, headers });
  assert.equal(textOf(await router.ask(CHAT, { body: { ...BODY, stream: true } })), said);
});

test('2.8, 2.10 an error in the middle of a stream of messages has the shape of Anthropic, whoever said it', async () => {
  for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
    await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'], has: ['/v1/messages'] });
    await using router = await routerBefore([endpoint]);
    endpoint.faults.add({ on: { method: 'POST' }, errorAfterTokens: { count: 2, message: 'boom' } });
    const body = { model: 'm', messages: BODY.messages, max_tokens: 50, stream: true };
    const last =
      textOf(await router.ask('/v1/messages', { body }))
        .trimEnd()
        .split('\n\n')
        .at(-1) ?? '';
    const [, data = ''] = /^event: error\ndata: (.*)$/.exec(last) ?? assert.fail(last);
    const record: Json = JSON.parse(data);
    assert.deepEqual([record.type, typeof record.error.message], ['error', 'string'], `${kind}: ${last}`);
  }
});

test('2.5 an id is listed although an Ollama calls another spelling of it the same', async () => {
  await using ollama = await startSimulatedEndpoint({ kind: 'ollama', models: ['Tiny'] });
  await using openai = await startSimulatedEndpoint({ kind: 'openai', models: ['tiny:latest'] });
  await using router = await routerBefore([ollama, openai]);
  const ids = jsonOf(await router.ask('/v1/models')).data.map((item: Json) => item.id);
  assert.deepEqual(ids.toSorted(), ['Tiny:latest', 'tiny:latest']);
});
