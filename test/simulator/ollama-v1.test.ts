import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { Capability } from '../../src/simulator/simulation.ts';
import { ask } from '../contract/ask.ts';

async function ollama(capabilities: readonly Capability[], answer = 'all is well') {
  const endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: [{ name: 'm', capabilities, answer }] });
  const post = (path: string, fields: object) => ask(endpoint.url, `/v1/${path}`, { body: { model: 'm', ...fields } });
  return { post, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

test('sound that cannot be read is refused', async () => {
  await using it = await ollama(['completion']);
  for (const [sound, message] of [
    [undefined, 'invalid input_audio format'],
    [{}, 'invalid input_audio format: missing data'],
    [{ data: '?' }, 'invalid input_audio base64 data: illegal base64 data at input byte 0'],
  ] as const) {
    const content = [{ type: 'input_audio', input_audio: sound }];
    const answer = await it.post('chat/completions', { messages: [{ role: 'user', content }] });
    assert.deepEqual([answer.status, answer.json().error.message], [400, message]);
  }
});

test('a message that says nothing has null for its blocks', async () => {
  await using it = await ollama(['completion'], '');
  const answer = await it.post('messages', { max_tokens: 5, messages: [{ role: 'user', content: 'x' }] });
  assert.deepEqual([answer.status, answer.json().content], [200, null]);
});
