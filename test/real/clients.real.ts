import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { all } from './all.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

/** The tiny model may end at once, or say nothing but white space, where chance decides. */
const ALWAYS_THE_SAME = { seed: 1, temperature: 0 };

const missing = realServersMissing();
const user = [{ role: 'user' as const, content: 'Once upon a time' }];
const schema = {
  type: 'object',
  properties: { a: { type: 'boolean' } },
  required: ['a'],
  additionalProperties: false,
} as const;

/** Every model with the server that has it: the official clients must not be able to tell them apart. */
for (const [model, kind] of [
  ['tiny', 'ollama'],
  ['stories', 'llama-server'],
] as const) {
  describe(`the official clients and a real ${kind}, through the router`, { skip: missing ?? false }, () => {
    let ollamaServer: RealServer;
    let llama: RealServer;
    let router: RunningRouter;
    let openai: OpenAI;
    let anthropic: Anthropic;
    let ollama: Ollama;

    before(async () => {
      [ollamaServer, llama] = await Promise.all([startRealOllama(), startRealLlamaServer({ models: 'stories' })]);
      router = await startRouter({ endpoints: [ollamaServer.url, { url: llama.url, kind: 'llama-server' }] });
      openai = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'none', maxRetries: 0 });
      anthropic = new Anthropic({ baseURL: router.url, apiKey: 'none', maxRetries: 0 });
      ollama = new Ollama({ host: router.url });
    });
    after(async () => {
      for (const part of [router, ollamaServer, llama]) await part[Symbol.asyncDispose]();
    });

    test('2.2 openai: a chat is answered whole', async () => {
      const answer = await openai.chat.completions.create({ model, messages: user, max_tokens: 4 });
      assert.deepEqual([answer.choices[0]?.finish_reason, answer.usage?.completion_tokens], ['length', 4]);
      assert.equal(typeof answer.choices[0]?.message.content, 'string');
      // Ollama itself does not know this name of the limit.
      const newer = await openai.chat.completions.create({ model, messages: user, max_completion_tokens: 3 });
      assert.equal(newer.usage?.completion_tokens, 3);
    });

    test('2.2 openai: a stream has usage only where it was asked for', async () => {
      for (const asked of [false, true]) {
        const options = asked ? { stream_options: { include_usage: true } } : {};
        const stream = await openai.chat.completions.create({
          model,
          messages: user,
          max_tokens: 3,
          stream: true,
          ...options,
        });
        const chunks = await all(stream);
        const counted = chunks.filter(({ usage }) => usage !== null && usage !== undefined);
        assert.deepEqual(
          counted.map(({ choices, usage }) => [choices.length, usage?.completion_tokens]),
          asked ? [[0, 3]] : [],
        );
        assert.ok(asked || chunks.every(({ choices }) => choices.length === 1));
        assert.equal(chunks.filter(({ choices }) => choices[0]?.finish_reason === 'length').length, 1);
      }
    });

    test('2.1 openai: the stream helper puts a chat together', async () => {
      const final = await openai.chat.completions
        .stream({ model, messages: user, max_tokens: 3 })
        .finalChatCompletion();
      assert.deepEqual([final.choices[0]?.finish_reason, final.choices[0]?.message.role], ['length', 'assistant']);
    });

    test('2.2 openai: log probabilities come whole and streamed', async () => {
      const fields = { model, messages: user, max_tokens: 2, logprobs: true, top_logprobs: 2 } as const;
      const whole = (await openai.chat.completions.create(fields)).choices[0]?.logprobs?.content;
      assert.deepEqual([whole?.length, whole?.[0]?.top_logprobs.length], [2, 2]);
      const chunks = await all(await openai.chat.completions.create({ ...fields, stream: true }));
      const streamed = chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? []);
      assert.equal(streamed.length, 2);
    });

    test('2.2 openai: an answer follows the schema it was asked by', async () => {
      const answer = await openai.chat.completions.create({
        model,
        messages: user,
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
        max_tokens: 200,
      });
      assertSchema(answer.choices[0]?.message.content ?? '');
    });

    test('2.3 openai: completions whole and streamed', async () => {
      const whole = await openai.completions.create({ model, prompt: 'Once', max_tokens: 3 });
      assert.deepEqual([whole.choices[0]?.finish_reason, whole.usage?.completion_tokens], ['length', 3]);
      const stream = await openai.completions.create({ model, prompt: 'Once', max_tokens: 3, stream: true });
      const chunks = await all(stream);
      assert.deepEqual(chunks.map(({ choices }) => choices[0]?.finish_reason).filter(Boolean), ['length']);
      assert.ok(chunks.every(({ choices }) => choices.length === 1));
    });

    test('2.5 openai: models are listed and found, each under the name that inference takes', async () => {
      const listed = await all(await openai.models.list());
      const id = kind === 'ollama' ? 'tiny:latest' : 'stories';
      assert.ok(listed.some((entry) => entry.id === id && entry.object === 'model' && entry.created > 0));
      assert.equal((await openai.models.retrieve(model)).id, model);
      await assert.rejects(openai.models.retrieve('nobody'), { status: 404, code: 'model_not_found' });
    });

    test('2.7 openai: responses whole and streamed', async () => {
      const whole = await openai.responses.create({ model, input: 'Once', max_output_tokens: 3 });
      assert.deepEqual([whole.object, whole.usage?.output_tokens, typeof whole.output_text], ['response', 3, 'string']);
      const stream = await openai.responses.create({ model, input: 'Once', max_output_tokens: 3, stream: true });
      const types = (await all(stream)).map(({ type }) => type);
      assert.equal(types[0], 'response.created');
      assert.ok(types.includes('response.output_text.delta'));
      assert.match(types.at(-1) ?? '', /^response\.(completed|incomplete)$/);
    });

    test('2.8 anthropic: messages whole and streamed', async () => {
      const fields = { model, messages: user, max_tokens: 3 };
      const whole = await anthropic.messages.create(fields);
      assert.deepEqual([whole.stop_reason, whole.usage.output_tokens], ['max_tokens', 3]);
      const final = await anthropic.messages.stream(fields).finalMessage();
      assert.deepEqual([final.stop_reason, final.usage.output_tokens], ['max_tokens', 3]);
      assert.equal(final.content[0]?.type, 'text');
    });

    test('2.8 anthropic: tokens are counted where the server can count, else it says so', async () => {
      const counting = anthropic.messages.countTokens({ model, messages: user });
      if (kind === 'llama-server') assert.ok((await counting).input_tokens > 4);
      else await assert.rejects(counting, { status: 501, type: 'api_error' });
    });

    test('1.5 ollama-js: chat whole and streamed', async () => {
      const fields = { model, messages: user, options: { ...ALWAYS_THE_SAME, num_predict: 3 } };
      const whole = await ollama.chat(fields);
      assert.deepEqual([whole.done, whole.done_reason, whole.eval_count, whole.model], [true, 'length', 3, model]);
      const parts = await all(await ollama.chat({ ...fields, stream: true }));
      const last = parts.at(-1);
      assert.deepEqual([last?.done, last?.done_reason, last?.eval_count], [true, 'length', 3]);
      assert.ok(parts.every(({ message }) => message.role === 'assistant' && typeof message.content === 'string'));
      assert.equal(parts.filter(({ done }) => done).length, 1);
    });

    test('1.5 ollama-js: generate with a system prompt, raw, and with log probabilities', async () => {
      const fields = { model, prompt: 'Once', options: { ...ALWAYS_THE_SAME, num_predict: 3 } };
      const whole = await ollama.generate({ ...fields, system: 'Tell a story.' });
      assert.deepEqual([whole.done_reason, whole.eval_count], ['length', 3]);
      const raw = await ollama.generate({ ...fields, raw: true });
      assert.deepEqual([raw.done_reason, raw.context], ['length', undefined]);
      assert.ok(raw.prompt_eval_count < whole.prompt_eval_count, 'no template');
      const { logprobs } = await ollama.generate({ ...fields, logprobs: true, top_logprobs: 2 });
      assert.deepEqual([logprobs?.length, logprobs?.[0]?.top_logprobs?.length], [3, 2]);
      const bare = await ollama.generate({ ...fields, logprobs: true });
      assert.ok((bare.logprobs?.[0]?.top_logprobs ?? []).length === 0, 'no alternatives where none were asked for');
    });

    test('1.5 ollama-js: an answer follows the schema it was asked by', async () => {
      const fields = { model, format: schema, options: { num_predict: 200 } };
      assertSchema((await ollama.generate({ ...fields, prompt: 'Once' })).response);
      assertSchema((await ollama.chat({ ...fields, messages: user })).message.content);
      const { response } = await ollama.generate({
        ...fields,
        prompt: 'Once',
        format: 'json',
        options: { ...ALWAYS_THE_SAME, num_predict: 8 },
      });
      assert.match(response ?? '', /^\s*\{/);
    });

    test('1.5 ollama-js: what one model cannot do is said', async () => {
      await assert.rejects(ollama.generate({ model, prompt: 'x', suffix: 'y' }), /insert|[Ii]nfill/);
      await assert.rejects(ollama.chat({ model: 'nobody', messages: user }), { status_code: 404 });
    });

    test('1.5 ollama-js: lists, shows and version', async () => {
      assert.ok((await ollama.list()).models.some(({ name }) => name === `${model}:latest`));
      const shown = await ollama.show({ model });
      assert.deepEqual([shown.capabilities.includes('completion'), shown.details.format], [true, 'gguf']);
      assert.match((await ollama.version()).version, /^\d/);
      await ollama.generate({ model, prompt: '' });
      const { models } = await ollama.ps();
      assert.ok(models.some(({ name, size_vram: vram }) => name === `${model}:latest` && vram >= 0));
    });
  });
}

function assertSchema(text = ''): void {
  const value: unknown = JSON.parse(text);
  assert.ok(typeof value === 'object' && value !== null && 'a' in value, text);
  assert.equal(typeof value.a, 'boolean');
}
