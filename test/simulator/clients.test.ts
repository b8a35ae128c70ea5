import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { startFleet } from '../../src/simulator/fleet.ts';

const messages = [{ role: 'user', content: 'hello' }] satisfies [{ role: 'user'; content: string }];

test('the official clients understand every kind, and all kinds say the same', async () => {
  const models = ['m'];
  await using fleet = await startFleet({
    ollama: { kind: 'ollama', models },
    llama: { kind: 'llama-server', models },
    vllm: { kind: 'vllm', models },
    openai: { kind: 'openai', models, key: 'secret' },
  });
  const ollama = new Ollama({ host: fleet.endpoints.ollama.url });
  const { message } = await ollama.chat({ model: 'm', messages });
  let streamed = '';
  for await (const part of await ollama.chat({ model: 'm', messages, stream: true })) streamed += part.message.content;
  assert.equal(streamed, message.content);
  assert.equal((await ollama.list()).models[0]?.name, 'm:latest');
  assert.equal((await ollama.ps()).models[0]?.name, 'm:latest');
  for (const { url } of Object.values(fleet.endpoints)) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'secret', maxRetries: 0 });
    const stream = client.chat.completions.stream({ model: 'm', messages, stream_options: { include_usage: true } });
    const whole = await stream.finalChatCompletion();
    assert.equal(whole.choices[0]?.message.content, message.content, url);
    assert.equal(whole.usage?.completion_tokens, 12);
    assert.ok((await client.models.list()).data.length === 1);
  }
});

test('a fleet of which one cannot start leaves none running', async () => {
  await using fleet = await startFleet({ one: { kind: 'ollama' } });
  const { port } = fleet.endpoints.one;
  await assert.rejects(startFleet({ a: { kind: 'ollama' }, b: { kind: 'ollama', port } }), { code: 'EADDRINUSE' });
});
