import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { ask, type Json } from '../contract/ask.ts';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { all } from './all.ts';
import { type Lacking, lacking } from './lacking.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

const missing = realServersMissing();
const user = [{ role: 'user' as const, content: 'Once upon a time' }];
const parameters = { type: 'object', properties: { a: { type: 'boolean' } }, required: ['a'] } as const;
const NEWER = ['/v1/responses', '/v1/messages', '/v1/messages/count_tokens'];
const OPENAI = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'];

for (const kind of ['ollama', 'llama-server'] as const) {
  const instead = kind === 'ollama' ? '/api/chat' : '/v1/chat/completions';

  describe(`a real ${kind} of before it had the newer routes`, { skip: missing ?? false }, () => {
    let real: RealServer;
    let older: Lacking;
    let router: RunningRouter;
    let openai: OpenAI;
    let anthropic: Anthropic;

    before(async () => {
      real = await (kind === 'ollama' ? startRealOllama() : startRealLlamaServer());
      older = await lacking(real, ...NEWER, ...(kind === 'ollama' ? OPENAI : []));
      router = await startRouter({ endpoints: [{ url: older.url, kind }] });
      openai = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'none', maxRetries: 0 });
      anthropic = new Anthropic({ baseURL: router.url, apiKey: 'none', maxRetries: 0 });
    });
    after(async () => {
      for (const part of [router, older, real]) await part[Symbol.asyncDispose]();
    });

    test('4.1 its own words for a path it lacks are understood, and remembered', async () => {
      for (const path of ['/v1/responses', '/v1/messages']) {
        older.asked.length = 0;
        const body = { model: 'tiny', input: 'Once', messages: user, max_tokens: 2, max_output_tokens: 2 };
        for (const name of path === '/v1/messages' ? ['input', 'max_output_tokens'] : ['messages', 'max_tokens'])
          Reflect.deleteProperty(body, name);
        for (let time = 0; time < 2; time++)
          assert.equal((await ask(router.url, path, { body })).status, 200, `${path} ${time}`);
        assert.deepEqual(older.asked, [path, instead, instead]);
      }
    });

    test('2.7 responses whole: cut at the limit they say so', async () => {
      const answer = await openai.responses.create({ model: 'tiny', input: 'Once', max_output_tokens: 3 });
      assert.deepEqual(
        [answer.status, answer.incomplete_details?.reason, answer.usage?.output_tokens],
        ['incomplete', 'max_output_tokens', 3],
      );
      assert.equal(answer.output[0]?.type, 'message');
      assert.ok((answer.usage?.input_tokens ?? 0) > 2);
      assert.ok(answer.output_text.length > 0);
    });

    test('2.7 responses streamed: the client puts them together', async () => {
      const fields = { model: 'tiny', input: 'Once', max_output_tokens: 3 };
      const final = await openai.responses.stream(fields).finalResponse();
      assert.deepEqual([final.status, final.usage?.output_tokens], ['incomplete', 3]);
      const events = await all(await openai.responses.create({ ...fields, stream: true }));
      assert.deepEqual(
        events.map((event) => event.sequence_number),
        events.map((_, index) => index),
      );
      const deltas = events.flatMap((event) => (event.type === 'response.output_text.delta' ? [event.delta] : []));
      const done = events.find((event) => event.type === 'response.output_text.done');
      assert.equal(done?.text, deltas.join(''));
    });

    test('2.7 responses follow a schema', async () => {
      const format = {
        type: 'json_schema',
        name: 'x',
        schema: { ...parameters, additionalProperties: false },
      } as const;
      const answer = await openai.responses.create({ model: 'tiny', input: 'Once', text: { format } });
      assert.equal(typeof JSON.parse(answer.output_text).a, 'boolean');
    });

    test('2.7 responses go on from calls and their results', async () => {
      const answer = await openai.responses.create({
        model: 'tiny',
        instructions: 'Be brief.',
        input: [
          { role: 'user', content: 'Once' },
          { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":true}' },
          { type: 'function_call_output', call_id: 'call_1', output: 'yes' },
        ],
        max_output_tokens: 2,
      });
      assert.equal(answer.usage?.output_tokens, 2);
    });

    test('2.8 messages whole and streamed', async () => {
      const fields = { model: 'tiny', system: 'Be brief.', messages: user, max_tokens: 3 };
      const whole = await anthropic.messages.create(fields);
      assert.deepEqual([whole.stop_reason, whole.usage.output_tokens, whole.model], ['max_tokens', 3, 'tiny']);
      assert.equal(whole.content[0]?.type, 'text');
      const stream = anthropic.messages.stream(fields);
      const events = (await all(stream)).map(({ type }) => type);
      assert.deepEqual([events[0], events.at(-1)], ['message_start', 'message_stop']);
      const final = await stream.finalMessage();
      assert.deepEqual([final.stop_reason, final.usage.output_tokens], ['max_tokens', 3]);
      assert.equal(final.usage.input_tokens, whole.usage.input_tokens);
    });

    test('2.8 messages go on from calls and their results', async () => {
      const answer = await anthropic.messages.create({
        model: 'tiny',
        max_tokens: 2,
        messages: [
          ...user,
          { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: true } }] },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'yes' }] },
        ],
      });
      assert.equal(answer.usage.output_tokens, 2);
    });

    test('2.8 tokens are not counted by guessing', async () => {
      const counting = anthropic.messages.countTokens({ model: 'tiny', messages: user });
      await assert.rejects(
        counting,
        (error) => error instanceof Anthropic.APIError && [404, 501].includes(error.status),
      );
    });

    if (kind === 'ollama') {
      test('4.5 chats and completions of OpenAI run on its own routes', async () => {
        older.asked.length = 0;
        const fields = { model: 'tiny', messages: user, max_tokens: 3 };
        const whole = await openai.chat.completions.create(fields);
        assert.deepEqual([whole.choices[0]?.finish_reason, whole.usage?.completion_tokens], ['length', 3]);
        const final = await openai.chat.completions.stream(fields).finalChatCompletion();
        assert.equal(final.choices[0]?.finish_reason, 'length');
        const text = await openai.completions.create({ model: 'tiny', prompt: ['Once', 'Two'], max_tokens: 2 });
        assert.deepEqual(
          text.choices.map(({ index, finish_reason: reason }) => [index, reason]),
          [
            [0, 'length'],
            [1, 'length'],
          ],
        );
        assert.equal(text.usage?.completion_tokens, 4);
        assert.deepEqual(
          [...new Set(older.asked)].toSorted(),
          [...OPENAI.slice(0, 2), '/api/chat', '/api/generate'].toSorted(),
        );
      });

      test('4.8 vectors of OpenAI come from its own route, the same to the bit', async () => {
        const fields = { model: 'tiny', input: ['Once', 'Two'], dimensions: 4 };
        const floats = await openai.embeddings.create({ ...fields, encoding_format: 'float' });
        const packed = await openai.embeddings.create(fields);
        const own = (await ask(real.url, '/v1/embeddings', { body: fields })).json();
        const direct: number[][] = own.data.map((item: Json) => item.embedding);
        for (const answer of [floats, packed])
          assert.deepEqual(
            answer.data.map(({ embedding }) => embedding.map(Math.fround)),
            direct.map((vector) => vector.map(Math.fround)),
          );
        assert.equal(floats.usage.prompt_tokens, own.usage.prompt_tokens);
      });
    }
  });
}
