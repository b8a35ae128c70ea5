import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import {
  APICallError,
  embedMany,
  generateObject,
  generateText,
  jsonSchema,
  type LanguageModel,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { createOllama } from 'ollama-ai-provider-v2';
import { asked } from '../support/records.ts';
import { CITY, modelAt, PICTURE, PLACES, type Place, usePlaces } from './places.ts';

const prompt = 'Tell me 9 tokens';
const SCHEMA = jsonSchema<{ city: string }>(CITY);
/** Servers that say nothing of what they think, whoever asks. */
const KEEPS_ITS_THOUGHTS: readonly Place[] = ['openai', 'old-openai'];
const ONCE = { maxRetries: 0, providerOptions: { ollama: { think: true } } };
/** The provider that passes over the words of errors, from an Ollama too: it looks for OpenAI's. */
const SWALLOWS = 'ollama-ai-provider-v2';

describe("Vercel's AI SDK through the router", () => {
  const places = usePlaces();
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const ollama = () => createOllama({ baseURL: `${places.router.url}/api` });
  const compatible = () =>
    createOpenAICompatible({
      name: 'router',
      baseURL: `${places.router.url}/v1`,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });
  const CHATS: Readonly<Record<string, (name: string) => LanguageModel>> = {
    'openai-compatible': (name) => compatible()(name),
    [SWALLOWS]: (name) => ollama()(name),
  };

  for (const place of PLACES) {
    for (const [name, modelOf] of Object.entries(CHATS)) {
      describe(`${name} and ${place}`, () => {
        const model = () => modelOf(modelAt(place));

        test('9.10 generates and streams the same text', async () => {
          const whole = await generateText({ ...ONCE, model: model(), prompt });
          assert.ok(whole.text.length > 9);
          assert.equal(whole.finishReason, 'stop');
          assert.ok((whole.usage.inputTokens ?? 0) > 0);
          assert.ok((whole.usage.outputTokens ?? 0) >= 9);
          const streamed = streamText({ ...ONCE, model: model(), prompt });
          let said = '';
          for await (const piece of streamed.textStream) said += piece;
          assert.equal(said, whole.text);
          assert.equal(await streamed.reasoningText, whole.reasoningText);
          assert.equal((whole.reasoningText ?? '') === '', KEEPS_ITS_THOUGHTS.includes(place), whole.reasoningText);
          assert.equal(await streamed.finishReason, 'stop');
          assert.equal((await streamed.usage).outputTokens, whole.usage.outputTokens);
        });

        test('9.10 calls a tool and tells the model, at once and in pieces', async () => {
          const cities: string[] = [];
          const weather = tool({
            description: 'Says how the weather is',
            inputSchema: SCHEMA,
            execute: async ({ city }) => {
              cities.push(city);
              return `Rain in ${city}`;
            },
          });
          const request = {
            ...ONCE,
            model: model(),
            prompt: 'call weather',
            tools: { weather },
            stopWhen: stepCountIs(2),
          };
          const { text, steps } = await generateText(request);
          assert.equal(steps.length, 2);
          assert.ok(text.length > 3);
          const last = asked(places.at(place)).at(-1)?.body.toString() ?? '';
          assert.ok(last.includes(`Rain in ${JSON.stringify(cities[0]).slice(1, -1)}`), last);
          const streamed = streamText(request);
          assert.ok((await streamed.text).length > 3);
          assert.equal((await streamed.steps).length, 2);
          assert.deepEqual(cities, [cities[0], cities[0]]);
        });

        test('9.10 makes an object by a schema', async () => {
          const { object } = await generateObject({ ...ONCE, model: model(), schema: SCHEMA, prompt: 'Where?' });
          assert.equal(typeof object.city, 'string');
        });

        test('9.10 shows a picture', async () => {
          const content = [
            { type: 'text' as const, text: 'see' },
            { type: 'file' as const, data: PICTURE, mediaType: 'image/png' },
          ];
          const { text } = await generateText({ ...ONCE, model: model(), messages: [{ role: 'user', content }] });
          assert.match(text, /^I see 1 image/);
        });

        test('R20 a stream that breaks off is no normal end', async () => {
          const rule = { on: { path: /chat/ }, times: 1, errorAfterTokens: { count: 7, message: 'it died' } };
          places.at(place).faults.add(rule);
          const errors: unknown[] = [];
          const onError = ({ error }: { error: unknown }) => void errors.push(error);
          const streamed = streamText({ ...ONCE, model: model(), prompt, onError });
          await streamed.consumeStream();
          assert.notEqual(await streamed.finishReason, 'stop');
          assert.equal(errors.length, name === SWALLOWS ? 0 : 1);
          await places.atRest(place);
        });

        test('R27 an abort frees the slot', async () => {
          const control = new AbortController();
          const request = { ...ONCE, model: model(), prompt: 'Tell me 100000 tokens', abortSignal: control.signal };
          for await (const _ of streamText(request).textStream) control.abort();
          await places.atRest(place);
        });
      });
    }

    test(`9.10 openai-compatible completes a text on ${place}`, async () => {
      const request = { ...ONCE, model: compatible().completionModel(modelAt(place)), prompt, maxOutputTokens: 30 };
      const { text } = await generateText(request);
      assert.ok(text.length > 9);
      assert.equal(await streamText(request).text, text);
    });

    test(`0 embeddings of ${place} by either provider are the same, numbers and counts included`, async () => {
      const values = ['one river', 'two'];
      const model = modelAt(place);
      const old = await embedMany({ ...ONCE, model: ollama().embedding(model), values });
      const current = await embedMany({ ...ONCE, model: compatible().embeddingModel(model), values });
      const vectors = (all: number[][]) => all.map((vector) => vector.map(Math.fround));
      assert.equal(old.embeddings.length, 2);
      assert.equal(old.embeddings[0]?.length, 8);
      assert.deepEqual(vectors(old.embeddings), vectors(current.embeddings));
      assert.ok(old.usage.tokens > 0);
      assert.equal(old.usage.tokens, current.usage.tokens);
    });
  }

  for (const [name, modelOf] of Object.entries(CHATS)) {
    test(`R12 ${name} reads an unknown model as such`, async () => {
      await assert.rejects(generateText({ ...ONCE, model: modelOf('nobody'), prompt }), (error) => {
        assert.ok(APICallError.isInstance(error));
        assert.equal(error.statusCode, 404);
        assert.match(error.responseBody ?? '', /model 'nobody' not found/);
        if (name !== SWALLOWS) assert.match(error.message, /model 'nobody' not found/);
        return true;
      });
    });
  }
});
