import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type ChatResponse, Ollama, type Tool } from 'ollama';
import { asked } from '../support/records.ts';
import { CITY, modelAt, PICTURE, PLACES, usePlaces } from './places.ts';

const messages = [{ role: 'user', content: 'Tell me 9 tokens' }];
const callWeather = { role: 'user', content: 'call weather' };
const WEATHER: Tool = {
  type: 'function',
  function: { name: 'weather', description: 'Says how the weather is', parameters: CITY },
};
/** Services outside, which say nothing of what they think. */
const AT_A_SERVICE = /openai/;

describe('ollama-js through the router, with every sort of server', () => {
  const places = usePlaces();
  let ollama: Ollama;
  before(() => {
    ollama = new Ollama({ host: places.router.url });
  });

  for (const place of PLACES) {
    describe(place, () => {
      const model = modelAt(place);

      test('4.4 chats: at once, and in pieces the same', async () => {
        const whole = await ollama.chat({ model, messages });
        assert.deepEqual([whole.model, whole.done, whole.done_reason], [model, true, 'stop']);
        assert.equal(whole.eval_count, 14, '5 of reasoning, 9 of text');
        assert.ok(whole.prompt_eval_count > 0);
        const parts = await allOf(ollama.chat({ model, messages, stream: true }));
        assert.ok(parts.length > 5, `${parts.length} pieces`);
        assert.equal(parts.map(({ message }) => message.content).join(''), whole.message.content);
        assert.deepEqual([parts.at(-1)?.done, parts.at(-1)?.eval_count], [true, 14]);
      });

      test('4.4 tells what the model thinks where it is told', async () => {
        const whole = await ollama.chat({ model, messages, think: true });
        assert.equal(whole.message.thinking === undefined, AT_A_SERVICE.test(place));
        const parts = await allOf(ollama.chat({ model, messages, think: true, stream: true }));
        assert.equal(parts.map(({ message }) => message.thinking ?? '').join(''), whole.message.thinking ?? '');
        const silent = await ollama.chat({ model, messages, think: false });
        assert.equal(silent.message.thinking ?? '', '');
        assert.equal(silent.message.content, whole.message.content);
      });

      test('4.7 generates: at once, and in pieces the same', async () => {
        const whole = await ollama.generate({ model, prompt: 'Tell me 9 tokens' });
        assert.ok((whole.response?.length ?? 0) > 9);
        let said = '';
        for await (const part of await ollama.generate({ model, prompt: 'Tell me 9 tokens', stream: true }))
          said += part.response;
        assert.equal(said, whole.response);
        const raw = await ollama.generate({ model, prompt: 'Tell me 9 tokens', raw: true });
        assert.ok((raw.response?.length ?? 0) > 9);
      });

      test('4.4 a tool is called, at once and in pieces, and its result told', async () => {
        const { message } = await ollama.chat({ model, messages: [callWeather], tools: [WEATHER] });
        const [call] = message.tool_calls ?? [];
        assert.equal(call?.function.name, 'weather');
        const parts = await allOf(ollama.chat({ model, messages: [callWeather], tools: [WEATHER], stream: true }));
        const calls = parts.flatMap((part) => part.message.tool_calls ?? []);
        assert.deepEqual(
          calls.map((one) => one.function.arguments),
          [call.function.arguments],
        );
        const content = `Rain in ${call.function.arguments['city']}`;
        const told = [callWeather, message, { role: 'tool', tool_name: 'weather', content }];
        const answer = await ollama.chat({ model, messages: told, tools: [WEATHER] });
        assert.ok(answer.message.content.length > 3);
        const last = asked(places.at(place)).at(-1)?.body.toString() ?? '';
        assert.ok(last.includes(JSON.stringify(content)), last);
      });

      test('4.2 an answer keeps to its format, and a picture is seen', async () => {
        const formed = await ollama.chat({ model, messages, format: CITY });
        assert.equal(typeof JSON.parse(formed.message.content).city, 'string');
        const seen = await ollama.chat({ model, messages: [{ role: 'user', content: 'see', images: [PICTURE] }] });
        assert.match(seen.message.content, /^I see 1 image/);
      });

      test('4.8 embeds', async () => {
        const { embeddings } = await ollama.embed({ model, input: ['one river', 'two'] });
        assert.deepEqual(
          embeddings.map(({ length }) => length),
          [8, 8],
        );
        const cut = await ollama.embed({ model, input: 'two', dimensions: 4 });
        assert.equal(cut.embeddings[0]?.length, 4);
        const { embedding } = await ollama.embeddings({ model, prompt: 'two' });
        assert.equal(embedding.length, 8);
      });

      test('4.9 the model is listed, shown and running', async () => {
        assert.ok((await ollama.list()).models.some(({ name }) => name === model));
        assert.ok((await ollama.show({ model })).capabilities.includes('completion'));
        await ollama.chat({ model, messages });
        const runs = (await ollama.ps()).models.some(({ name }) => name === model);
        assert.equal(runs, !AT_A_SERVICE.test(place), 'what a service outside has in memory is its own affair');
      });

      test('R20 a stream that breaks off or just ends is raised', async () => {
        const once = { on: { path: /chat/ }, times: 1 };
        for (const [rule, reason] of [
          [{ ...once, errorAfterTokens: { count: 7, message: 'the model died' } }, /the model died/],
          [{ ...once, silentEndAfterTokens: 7 }, /early/],
          [{ ...once, cutAtByte: 900 }, /early/],
        ] as const) {
          places.at(place).faults.add(rule);
          await assert.rejects(allOf(ollama.chat({ model, messages, stream: true })), reason);
        }
        await places.atRest(place);
      });

      test('R27 a stream that is left frees the slot', async () => {
        const content = 'Tell me 100000 tokens';
        const stream = await ollama.chat({ model, messages: [{ role: 'user', content }], stream: true });
        for await (const _ of stream) break;
        stream.abort();
        await places.atRest(place);
      });
    });
  }

  test('1.3 an unknown model is told as Ollama tells it', async () => {
    await assert.rejects(ollama.chat({ model: 'nobody', messages }), { message: "model 'nobody' not found" });
  });
});

/** Every piece of an answer. */
async function allOf(stream: Promise<AsyncIterable<ChatResponse>>): Promise<ChatResponse[]> {
  const all: ChatResponse[] = [];
  for await (const part of await stream) all.push(part);
  return all;
}
