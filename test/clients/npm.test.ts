import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { type Fleet, startFleet } from '../../src/simulator/fleet.ts';
import { type RunningRouter, startRouter } from '../support/router.ts';

const KINDS = ['ollama', 'llama-server', 'vllm', 'openai'] as const;
const TOOL = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'Says how the weather is',
    parameters: { type: 'object', required: ['city'], properties: { city: { type: 'string', description: 'where' } } },
  },
};

describe('the official npm clients through the router', () => {
  let fleet: Fleet<string>;
  let router: RunningRouter;
  let ollama: Ollama;
  let openai: OpenAI;

  before(async () => {
    const model = (kind: string) => ({ name: `on-${kind}`, capabilities: ['completion', 'tools'] as const });
    fleet = await startFleet(Object.fromEntries(KINDS.map((kind) => [kind, { kind, models: [model(kind)] }])));
    const endpoints = Object.values(fleet.endpoints).map(({ url, kind }) => ({ url, kind }));
    router = await startRouter({ endpoints });
    ollama = new Ollama({ host: router.url });
    openai = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'none', maxRetries: 0 });
  });

  after(async () => {
    await router[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
  });

  for (const kind of KINDS) {
    const model = `on-${kind}`;
    const messages = [{ role: 'user' as const, content: 'Tell me 9 tokens' }];

    test(`ollama-js chats with a model on ${kind}, at once and in pieces`, async () => {
      const whole = await ollama.chat({ model, messages });
      assert.equal(whole.model, model);
      assert.equal(whole.done, true);
      assert.equal(whole.eval_count, 9);
      let said = '';
      let pieces = 0;
      for await (const part of await ollama.chat({ model, messages, stream: true })) {
        said += part.message.content;
        pieces++;
      }
      assert.equal(said, whole.message.content);
      assert.ok(pieces > 5, `${pieces} pieces`);
    });

    test(`ollama-js generates with a model on ${kind}, at once and in pieces`, async () => {
      const whole = await ollama.generate({ model, prompt: 'Tell me 9 tokens' });
      let said = '';
      for await (const part of await ollama.generate({ model, prompt: 'Tell me 9 tokens', stream: true }))
        said += part.response;
      assert.equal(said, whole.response);
      assert.ok(said.length > 9);
    });

    test(`ollama-js is given a tool call by a model on ${kind}`, async () => {
      const ask = [{ role: 'user' as const, content: 'call weather' }];
      const whole = await ollama.chat({ model, messages: ask, tools: [TOOL] });
      assert.equal(whole.message.tool_calls?.[0]?.function.name, 'weather');
      const calls: unknown[] = [];
      for await (const part of await ollama.chat({ model, messages: ask, tools: [TOOL], stream: true })) {
        calls.push(...(part.message.tool_calls ?? []).map((call) => call.function.arguments));
      }
      assert.deepEqual(calls, [whole.message.tool_calls?.[0]?.function.arguments]);
    });

    test(`ollama-js sees a model on ${kind} listed and shown`, async () => {
      const { models } = await ollama.list();
      const listed = models.find(({ name }) => name.startsWith(model));
      assert.ok(listed, `${model} is listed`);
      const shown = await ollama.show({ model: listed.name });
      assert.ok(shown.capabilities.includes('completion'));
    });

    test(`openai-node chats with a model on ${kind}, at once and in pieces`, async () => {
      const whole = await openai.chat.completions.create({ model, messages });
      assert.equal(whole.usage?.completion_tokens, 9);
      let said = '';
      for await (const part of await openai.chat.completions.create({ model, messages, stream: true })) {
        assert.equal(part.choices.length, 1, 'no record for usage that nobody asked for');
        assert.equal(part.usage ?? undefined, undefined);
        said += part.choices[0]?.delta.content ?? '';
      }
      assert.equal(said, whole.choices[0]?.message.content);
    });

    test(`openai-node gets the usage it asks for in a stream from ${kind}`, async () => {
      const options = { stream: true as const, stream_options: { include_usage: true } };
      let tokens: number | undefined;
      for await (const part of await openai.chat.completions.create({ model, messages, ...options }))
        tokens = part.usage?.completion_tokens;
      assert.equal(tokens, 9);
    });

    test(`openai-node's stream helper is content with ${kind}, tool calls included`, async () => {
      const ask = [{ role: 'user' as const, content: 'call weather' }];
      const final = await openai.chat.completions.stream({ model, messages: ask, tools: [TOOL] }).finalChatCompletion();
      const [call] = final.choices[0]?.message.tool_calls ?? [];
      assert.ok(call?.type === 'function');
      assert.equal(call.function.name, 'weather');
      assert.equal(typeof JSON.parse(call.function.arguments).city, 'string');
    });
  }

  test('openai-node lists and retrieves models', async () => {
    const ids = (await openai.models.list()).data.map(({ id }) => id);
    assert.equal(ids.length, KINDS.length);
    for (const id of ids) assert.equal((await openai.models.retrieve(id)).id, id);
  });

  test('both clients read an unknown model as such', async () => {
    const messages = [{ role: 'user' as const, content: 'x' }];
    await assert.rejects(ollama.chat({ model: 'nobody', messages }), /model 'nobody' not found/);
    await assert.rejects(openai.chat.completions.create({ model: 'nobody', messages }), OpenAI.NotFoundError);
  });

  test('a client that breaks a stream off frees the slot', async () => {
    const endpoint = fleet.endpoints['ollama'];
    const stream = await ollama.chat({
      model: 'on-ollama',
      messages: [{ role: 'user', content: 'Tell me 100000 tokens' }],
      stream: true,
    });
    for await (const _ of stream) break;
    stream.abort();
    await endpoint?.waitFor((requests) => requests.some(({ clientLeft }) => clientLeft) && endpoint.inFlight() === 0);
    const { usage_counts: inFlight } = JSON.parse(await (await fetch(`${router.url}/api/usage`)).text());
    assert.deepEqual(inFlight, {});
  });
});
