import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { asked } from '../support/records.ts';
import { CITY, isOld, isOllama, modelAt, PICTURE, PLACES, type Place, usePlaces } from './places.ts';

const messages = [{ role: 'user' as const, content: 'Tell me 9 tokens' }];
const callWeather = [{ role: 'user' as const, content: 'call weather' }];
const WEATHER = {
  type: 'function' as const,
  function: { name: 'weather', description: 'Says how the weather is', parameters: CITY },
};
const ANSWER = { type: 'json_schema' as const, json_schema: { name: 'answer', strict: true, schema: CITY } };

/** What is told of a stream whose server does not say why it ended. */
const SWALLOWED = /(answer|stream) early$/;

/** Servers whose own stream of a response openai-node's helper cannot take. */
const HELPER_THROWS: readonly Place[] = ['ollama', 'llama-server', 'llama-router'];

describe('openai-node through the router', () => {
  const places = usePlaces();
  let openai: OpenAI;
  before(() => {
    openai = new OpenAI({ baseURL: `${places.router.url}/v1`, apiKey: 'none', maxRetries: 0 });
  });

  for (const place of PLACES) {
    describe(place, () => {
      const model = modelAt(place);

      test('2.2 chats: at once, in pieces, and through its helper the same', async () => {
        const whole = await openai.chat.completions.create({ model, messages });
        assert.equal(whole.object, 'chat.completion');
        assert.equal(whole.choices[0]?.finish_reason, 'stop');
        const said = whole.choices[0].message.content;
        assert.ok(said !== null && said.length > 9);
        assert.equal(whole.usage?.completion_tokens, 14, '5 of reasoning, 9 of text');
        let pieces = '';
        for await (const part of await openai.chat.completions.create({ model, messages, stream: true })) {
          assert.equal(part.choices.length, 1, 'no record for usage that nobody asked for');
          assert.equal(part.usage ?? undefined, undefined);
          pieces += part.choices[0]?.delta.content ?? '';
        }
        assert.equal(pieces, said);
        const options = { stream_options: { include_usage: true } };
        const helped = await openai.chat.completions.stream({ model, messages, ...options }).finalChatCompletion();
        assert.equal(helped.choices[0]?.message.content, said);
        assert.equal(helped.usage?.completion_tokens, 14);
      });

      test('2.1 runs a tool that the model calls, and tells the model', async () => {
        const cities: string[] = [];
        const weather = ({ city }: { city: string }) => {
          cities.push(city);
          return `Rain in ${city}`;
        };
        const parse = (text: string): { city: string } => JSON.parse(text);
        const tool = {
          ...WEATHER,
          function: { ...WEATHER.function, function: weather, parse },
        };
        const request = { model, messages: callWeather, tools: [tool] };
        for (const run of [
          () => openai.chat.completions.runTools(request),
          () => openai.chat.completions.runTools({ ...request, stream: true }),
        ]) {
          places.at(place).forgetRequests();
          const runner = run();
          assert.ok(String(await runner.finalContent()).length > 9);
          const roles = runner.messages.map(({ role }) => role);
          assert.deepEqual(roles, ['user', 'assistant', 'tool', 'assistant']);
          const reasons = runner.allChatCompletions().map(({ choices }) => choices[0]?.finish_reason);
          assert.deepEqual(reasons, ['tool_calls', 'stop']);
          const last = asked(places.at(place)).at(-1)?.body.toString() ?? '';
          assert.ok(last.includes(`"Rain in ${cities.at(-1)}"`), last);
        }
        assert.equal(cities.length, 2);
        assert.equal(cities[0], cities[1]);
      });

      test('2.2 an answer in a schema is parsed', async () => {
        const { choices } = await openai.chat.completions.parse({ model, messages, response_format: ANSWER });
        const parsed = choices[0]?.message.parsed as { city: string } | null | undefined;
        assert.equal(typeof parsed?.city, 'string');
      });

      test('2.2 a picture is seen', async () => {
        const url = `data:image/png;base64,${PICTURE}`;
        const content = [
          { type: 'text' as const, text: 'see' },
          { type: 'image_url' as const, image_url: { url } },
        ];
        const { choices } = await openai.chat.completions.create({ model, messages: [{ role: 'user', content }] });
        assert.match(choices[0]?.message.content ?? '', /^I see 1 image/);
      });

      test('2.3 completes a text, at once and in pieces', async () => {
        const request = { model, prompt: 'Tell me 9 tokens', max_tokens: 30 };
        const whole = await openai.completions.create(request);
        assert.equal(whole.object, 'text_completion');
        let said = '';
        for await (const part of await openai.completions.create({ ...request, stream: true }))
          said += part.choices[0]?.text ?? '';
        assert.ok(said.length > 9);
        assert.equal(said, whole.choices[0]?.text);
      });

      test('2.4 R25 vectors in base64, as it asks by default, have the values of those in numbers', async () => {
        const request = { model, input: ['one river', 'two'] };
        const numbers = await openai.embeddings.create({ ...request, encoding_format: 'float' });
        const decoded = await openai.embeddings.create(request);
        assert.equal(numbers.data.length, 2);
        assert.equal(numbers.data[0]?.embedding.length, 8);
        assert.ok(numbers.data[0].embedding.some((x) => x !== 0));
        const vectors = ({ data }: typeof numbers) => data.map(({ embedding }) => [...embedding].map(Math.fround));
        assert.deepEqual(vectors(decoded), vectors(numbers));
      });

      test('2.5 R11 a model with a slash in its name is listed and retrieved', async () => {
        const ids = (await openai.models.list()).data.map(({ id }) => id);
        assert.ok(ids.includes(model), ids.join());
        assert.equal((await openai.models.retrieve(model)).id, model);
      });

      test('2.7 responds: at once, and in pieces the same', async () => {
        const input = 'Tell me 9 tokens';
        places.at(place).forgetRequests();
        const whole = await openai.responses.create({ model, input });
        assert.ok(whole.output_text.length > 9);
        let said = '';
        const types: string[] = [];
        for await (const event of await openai.responses.create({ model, input, stream: true })) {
          types.push(event.type);
          if (event.type === 'response.output_text.delta') said += event.delta;
        }
        assert.equal(said, whole.output_text);
        assert.deepEqual([types[0], types.at(-1)], ['response.created', 'response.completed']);
        const isNative = places.paths(place).at(-1) === '/v1/responses';
        assert.equal(isNative, !isOld(place), 'as it came, but where that cannot be');
      });

      test('2.7 its helper for responses takes what the server or the router streams', async () => {
        const { output_text: said } = await openai.responses.create({ model, input: 'Tell me 9 tokens' });
        const final = openai.responses.stream({ model, input: 'Tell me 9 tokens' }).finalResponse();
        if (HELPER_THROWS.includes(place)) await assert.rejects(final);
        else assert.equal((await final).output_text, said);
      });

      test('2.7 a tool called in a response is answered in the next', async () => {
        const tools = [{ type: 'function' as const, name: 'weather', parameters: CITY, strict: true }];
        const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'call weather' }];
        const first = await openai.responses.create({ model, input, tools });
        const call = first.output.find((item) => item.type === 'function_call');
        assert.equal(call?.name, 'weather');
        assert.equal(typeof JSON.parse(call.arguments).city, 'string');
        const output = { type: 'function_call_output' as const, call_id: call.call_id, output: 'Rain' };
        const second = await openai.responses.create({ model, input: [...input, call, output], tools });
        assert.ok(second.output_text.length > 3);
      });

      test('2.9 transcribes a file', async () => {
        const file = await toFile(Buffer.from('RIFFsound'), 'a.wav', { type: 'audio/wav' });
        const { text } = await openai.audio.transcriptions.create({ model, file, language: 'de' });
        assert.equal(text, `${model} heard 9 bytes of a.wav, language de`);
      });

      test(isOllama(place) ? '2.6 cannot rank' : '2.6 ranks', async () => {
        const answer = await fetch(`${places.router.url}/v1/rerank`, {
          method: 'POST',
          body: JSON.stringify({ model, query: 'river', documents: ['a house', 'the river'], return_documents: true }),
        });
        assert.equal(answer.status, isOllama(place) ? 501 : 200);
        if (isOllama(place)) return;
        const { results } = (await answer.json()) as { results: { index: number; document: { text: string } }[] };
        assert.deepEqual(
          results.map(({ index, document }) => [index, document.text]),
          [
            [1, 'the river'],
            [0, 'a house'],
          ],
        );
      });

      test('2.1 a stream that breaks off raises an APIError with the reason', async () => {
        const rule = { times: 1, errorAfterTokens: { count: 7, message: 'the model died' } };
        places.at(place).faults.add(rule);
        const reason = place === 'ollama' ? SWALLOWED : /the model died/;
        await assert.rejects(allOf(openai.chat.completions.create({ model, messages, stream: true })), broken(reason));
        places.at(place).faults.add(rule);
        await assert.rejects(openai.chat.completions.stream({ model, messages }).finalChatCompletion(), broken(reason));
        places.at(place).faults.add(rule);
        const text = { model, prompt: 'Tell me 30 tokens', max_tokens: 30, stream: true } as const;
        await assert.rejects(allOf(openai.completions.create(text)), broken(reason));
        await places.atRest(place);
      });

      test('2.1 a stream that just ends is no normal end', async () => {
        const rule = { times: 1, silentEndAfterTokens: 7 };
        const text = { model, prompt: 'Tell me 30 tokens', max_tokens: 30, stream: true } as const;
        places.at(place).faults.add(rule);
        await assert.rejects(
          allOf(openai.chat.completions.create({ model, messages, stream: true })),
          broken(SWALLOWED),
        );
        places.at(place).faults.add(rule);
        await assert.rejects(allOf(openai.completions.create(text)), broken(SWALLOWED));
        await places.atRest(place);
      });

      test('2.7 a response that breaks off raises an APIError or says that it failed, and never that it is complete', async () => {
        const said: string[] = [];
        const read = async () => {
          const stream = await openai.responses.create({ model, input: 'Tell me 9 tokens', stream: true });
          for await (const { type } of stream) said.push(type);
        };
        const once = { on: { path: /chat|responses/ }, times: 1 };
        for (const rule of [
          { ...once, errorAfterTokens: { count: 7, message: 'the model died' } },
          { ...once, silentEndAfterTokens: 7 },
          { ...once, cutAtByte: 1200 },
        ]) {
          places.at(place).faults.add(rule);
          said.length = 0;
          const raised = await read().then(
            () => undefined,
            (error: unknown) => error,
          );
          if (raised === undefined) assert.equal(said.at(-1), 'response.failed', said.join());
          else assert.ok(raised instanceof OpenAI.APIError, String(raised));
          assert.ok(said.includes('response.created') && !said.includes('response.completed'), said.join());
        }
        await places.atRest(place);
      });

      test('R27 an abort frees the slot', async () => {
        const ask = [{ role: 'user' as const, content: 'Tell me 100000 tokens' }];
        const stream = await openai.chat.completions.create({ model, messages: ask, stream: true });
        for await (const _ of stream) break;
        const helped = openai.chat.completions.stream({ model, messages: ask });
        helped.once('chunk', () => helped.abort());
        await assert.rejects(helped.done(), OpenAI.APIUserAbortError);
        await places.atRest(place);
      });
    });
  }

  test('R12 an unknown model is a NotFoundError in our words, on every route', async () => {
    const model = 'nobody';
    const wanted = (error: unknown) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'model_not_found');
      assert.match(error.message, /model 'nobody' not found/);
      return true;
    };
    await assert.rejects(openai.chat.completions.create({ model, messages }), wanted);
    await assert.rejects(openai.chat.completions.create({ model, messages, stream: true }), wanted);
    await assert.rejects(openai.completions.create({ model, prompt: 'x' }), wanted);
    await assert.rejects(openai.embeddings.create({ model, input: 'x' }), wanted);
    await assert.rejects(openai.responses.create({ model, input: 'x' }), wanted);
    await assert.rejects(openai.models.retrieve(model), wanted);
  });

  test('2.10 a refusal of the server is the error class of its status', async () => {
    const model = modelAt('openai');
    await assert.rejects(openai.chat.completions.create({ model, messages, temperature: 9 }), OpenAI.BadRequestError);
    places.at('vllm').faults.add({ times: 1, status: 422, body: { error: { message: 'no', code: 422 } } });
    await assert.rejects(
      openai.chat.completions.create({ model: modelAt('vllm'), messages }),
      OpenAI.UnprocessableEntityError,
    );
  });
});

/** What is raised where a stream broke off for this reason. */
function broken(reason: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof OpenAI.APIError, String(error));
    assert.match(error.message, reason);
    return true;
  };
}

/** Everything that a stream yields. */
async function allOf(stream: PromiseLike<AsyncIterable<object>>): Promise<object[]> {
  const all: object[] = [];
  for await (const item of await stream) all.push(item);
  return all;
}
