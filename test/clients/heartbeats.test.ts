import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { ChatOllama } from '@langchain/ollama';
import { streamText } from 'ai';
import { Ollama } from 'ollama';
import { createOllama } from 'ollama-ai-provider-v2';
import OpenAI from 'openai';
import { modelAt, type Place, usePlaces } from './places.ts';

const content = 'Tell me 9 tokens';
const messages = [{ role: 'user' as const, content }];

/** The provider that passes over what is no answer. */
const SWALLOWS = 'ollama-ai-provider-v2';

/** One place for each way of an answer: as it came and translated, from each protocol. */
const SOME: readonly Place[] = ['ollama', 'old-ollama', 'llama-server', 'old-vllm', 'openai'];

/** Long enough for signs of life, which come every few milliseconds here. */
const SLOW = { on: { path: /chat|generate|completions|responses|messages/ }, times: 1, delayMs: 60 };

describe('R21 signs of life change nothing for the clients', () => {
  const places = usePlaces({ timeouts: { heartbeat: '10ms' } });
  /** What each client makes of a stream. */
  const CLIENTS: Readonly<Record<string, (model: string) => Promise<string>>> = {
    'ollama-js': async (model) => {
      let said = '';
      for await (const { message } of await ollama.chat({ model, messages, stream: true })) said += message.content;
      return said;
    },
    'openai-node': async (model) => {
      const final = await openai.chat.completions.stream({ model, messages }).finalChatCompletion();
      return final.choices[0]?.message.content ?? '';
    },
    'openai-node, for a response': async (model) => {
      let said = '';
      for await (const event of await openai.responses.create({ model, input: content, stream: true }))
        if (event.type === 'response.output_text.delta') said += event.delta;
      return said;
    },
    '@anthropic-ai/sdk': async (model) => {
      const stream = anthropic.messages.stream({ model, messages, max_tokens: 2000 });
      return (await stream.finalMessage()).content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
    ChatOllama: async (model) => (await new ChatOllama({ baseUrl: places.router.url, model }).invoke(content)).text,
    [SWALLOWS]: (model) => read(createOllama({ baseURL: `${places.router.url}/api` })(model)),
    '@ai-sdk/openai-compatible': (model) =>
      read(createOpenAICompatible({ name: 'router', baseURL: `${places.router.url}/v1` })(model)),
  };
  let ollama: Ollama;
  let openai: OpenAI;
  let anthropic: Anthropic;
  before(() => {
    const own = { apiKey: 'none', maxRetries: 0 };
    ollama = new Ollama({ host: places.router.url });
    openai = new OpenAI({ ...own, baseURL: `${places.router.url}/v1` });
    anthropic = new Anthropic({ ...own, baseURL: places.router.url });
  });

  for (const place of SOME) {
    const model = modelAt(place);

    test(`R21 an answer of ${place} that comes late is the same for all`, async () => {
      for (const [name, saidTo] of Object.entries(CLIENTS)) {
        const atOnce = await saidTo(model);
        assert.ok(atOnce.length > 9, name);
        places.at(place).faults.add(SLOW);
        assert.equal(await saidTo(model), atOnce, name);
      }
    });

    test(`R20 a refusal of ${place} that comes late is an error for all`, async () => {
      for (const [name, saidTo] of Object.entries(CLIENTS)) {
        places.at(place).faults.add({ ...SLOW, status: 500, body: { error: { message: 'it died' } } });
        const outcome = await saidTo(model).catch((error: unknown) => String(error));
        assert.match(outcome, name === SWALLOWS ? /^$/ : /it died/, name);
      }
    });
  }

  test('R21 there are signs of life in such answers, in the words of each protocol', async () => {
    const model = modelAt('vllm');
    for (const [path, sign] of [
      ['/api/chat', '"done":false'],
      ['/v1/chat/completions', ': nomyo waiting'],
      ['/v1/responses', ': nomyo waiting'],
      ['/v1/messages', 'event: ping'],
    ] as const) {
      places.at('vllm').faults.add({ on: SLOW.on, times: 1, hang: true });
      const body = JSON.stringify({ model, messages, input: content, max_tokens: 9, stream: true });
      const answer = await fetch(`${places.router.url}${path}`, { method: 'POST', body });
      const reader = answer.body?.getReader();
      const first = Buffer.from((await reader?.read())?.value ?? []).toString();
      await reader?.cancel();
      assert.ok(first.includes(sign), first);
    }
    await places.atRest('vllm');
  });
});

/** The text of a stream, or what was wrong with it. */
async function read(model: Parameters<typeof streamText>[0]['model']): Promise<string> {
  const errors: unknown[] = [];
  const onError = ({ error }: { error: unknown }) => void errors.push(error);
  const streamed = streamText({ model, prompt: content, maxRetries: 0, onError });
  let said = '';
  for await (const piece of streamed.textStream) said += piece;
  return errors.length > 0 ? errors.map(String).join() : said;
}
