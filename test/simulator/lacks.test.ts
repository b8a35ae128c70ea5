import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { ask } from '../contract/ask.ts';

const unknown = {
  ollama: '404 page not found',
  'llama-server': '{"error":{"message":"File Not Found","type":"not_found_error","code":404}}',
  vllm: '{"detail":"Not Found"}',
  openai:
    '{"error":{"message":"Invalid URL (POST /v1/responses)","type":"invalid_request_error","param":null,"code":null}}',
} as const;

for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
  test(`a path that this ${kind} lacks is answered as any unknown one`, async () => {
    const body = { model: 'm', input: 'hello' };
    await using old = await startSimulatedEndpoint({ kind, models: ['m'], lacks: ['/v1/responses'] });
    const answer = await ask(old.url, '/v1/responses', { body });
    assert.deepEqual([answer.status, answer.text], [404, unknown[kind]]);
    await using current = await startSimulatedEndpoint({ kind, models: ['m'] });
    assert.equal((await ask(current.url, '/v1/responses', { body })).status, 200);
  });
}

test('a llama-server as router lacks a path before it asks for the model', async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: ['m'],
    lacks: ['/v1/messages'],
  });
  const answer = await ask(endpoint.url, '/v1/messages', { body: { model: 'm', messages: [] } });
  assert.deepEqual([answer.status, answer.json().error.message], [404, 'File Not Found']);
  assert.deepEqual(endpoint.loadedModels(), []);
});

test('an openai has /v1/messages where it is told so, an old Ollama does not', async () => {
  const body = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };
  const status = async (options: Parameters<typeof startSimulatedEndpoint>[0]) => {
    await using endpoint = await startSimulatedEndpoint(options);
    return (await ask(endpoint.url, '/v1/messages', { body })).status;
  };
  assert.equal(await status({ kind: 'openai', models: ['m'] }), 404);
  assert.equal(await status({ kind: 'openai', models: ['m'], has: ['/v1/messages'] }), 200);
  assert.equal(await status({ kind: 'ollama', models: ['m'], version: '0.13.5' }), 404);
  assert.equal(await status({ kind: 'ollama', models: ['m'], version: '0.0.0' }), 200, 'built from its sources');
});
