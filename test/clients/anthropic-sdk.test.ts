import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { asked } from '../support/records.ts';
import { CITY, isOld, isOllama, modelAt, PICTURE, PLACES, type Place, usePlaces } from './places.ts';

const request = { max_tokens: 2000, messages: [{ role: 'user' as const, content: 'Tell me 9 tokens' }] };
const WEATHER = { name: 'weather', description: 'Says how the weather is', input_schema: CITY };
const callWeather: Anthropic.MessageParam = { role: 'user', content: 'call weather' };
const THINK = { type: 'enabled' as const, budget_tokens: 1024 };

/** Servers that count the tokens of a request that is not made. */
const COUNTS: readonly Place[] = ['llama-server', 'llama-router', 'old-llama-server'];
/** Servers that say nothing of what they think, whoever asks. */
const KEEPS_ITS_THOUGHTS: readonly Place[] = ['old-openai'];

describe('@anthropic-ai/sdk through the router', () => {
  const places = usePlaces();
  let anthropic: Anthropic;
  before(() => {
    anthropic = new Anthropic({ baseURL: places.router.url, apiKey: 'none', maxRetries: 0 });
  });

  for (const place of PLACES) {
    describe(place, () => {
      const model = modelAt(place);

      test('2.8 gets a message: at once, and through its helper the same', async () => {
        places.at(place).forgetRequests();
        const whole = await anthropic.messages.create({ ...request, model });
        assert.deepEqual([whole.type, whole.role, whole.stop_reason], ['message', 'assistant', 'end_turn']);
        assert.ok(textOf(whole).length > 9);
        assert.ok(whole.usage.input_tokens > 0);
        assert.ok(whole.usage.output_tokens >= 9);
        const stream = anthropic.messages.stream({ ...request, model });
        const types: string[] = [];
        stream.on('streamEvent', ({ type }) => types.push(type));
        const final = await stream.finalMessage();
        assert.equal(textOf(final), textOf(whole));
        const ofType = (type: string) => types.filter((other) => other === type).length;
        assert.equal(ofType('content_block_stop'), final.content.length);
        assert.deepEqual([types[0], types.at(-1)], ['message_start', 'message_stop']);
        assert.equal(final.stop_reason, 'end_turn');
        assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
        const isNative = places.paths(place).at(-1) === '/v1/messages';
        assert.equal(isNative, !isOld(place), 'as it came, but where that cannot be');
      });

      test('2.8 a message is cut at its limit', async () => {
        const cut = await anthropic.messages.create({ ...request, model, max_tokens: 7 });
        assert.deepEqual([cut.stop_reason, cut.usage.output_tokens], ['max_tokens', 7]);
        const final = await anthropic.messages.stream({ ...request, model, max_tokens: 7 }).finalMessage();
        assert.deepEqual([final.stop_reason, final.usage.output_tokens], ['max_tokens', 7]);
      });

      test('2.8 a tool is called and its result told, at once and in pieces', async () => {
        for (const ask of [
          (body: Anthropic.MessageCreateParamsNonStreaming) => anthropic.messages.create(body),
          (body: Anthropic.MessageCreateParamsNonStreaming) => anthropic.messages.stream(body).finalMessage(),
        ]) {
          const first: Anthropic.Message = await ask({ ...request, model, messages: [callWeather], tools: [WEATHER] });
          assert.equal(first.stop_reason, 'tool_use');
          const call = first.content.find((block) => block.type === 'tool_use');
          assert.equal(call?.name, 'weather');
          const { city } = call.input as { city: unknown };
          assert.equal(typeof city, 'string');
          const result = { type: 'tool_result' as const, tool_use_id: call.id, content: `Rain in ${city}` };
          const messages: Anthropic.MessageParam[] = [
            callWeather,
            { role: 'assistant', content: first.content },
            { role: 'user', content: [result] },
          ];
          const second = await ask({ ...request, model, messages, tools: [WEATHER] });
          assert.equal(second.stop_reason, 'end_turn');
          assert.ok(textOf(second).length > 3);
          const last = asked(places.at(place)).at(-1)?.body.toString() ?? '';
          assert.ok(last.includes(JSON.stringify(`Rain in ${city}`)), last);
        }
      });

      test('2.8 a picture is seen', async () => {
        const source = { type: 'base64' as const, media_type: 'image/png' as const, data: PICTURE };
        const content: Anthropic.ContentBlockParam[] = [
          { type: 'text', text: 'see' },
          { type: 'image', source },
        ];
        const said = await anthropic.messages.create({ ...request, model, messages: [{ role: 'user', content }] });
        assert.match(textOf(said), /^I see 1 image/);
      });

      test('2.8 what the model thinks is a block of its own, which may come back', async () => {
        const whole = await anthropic.messages.create({ ...request, model, thinking: THINK });
        const final = await anthropic.messages.stream({ ...request, model, thinking: THINK }).finalMessage();
        const thoughts = [whole, final].map(({ content }) => content.find((block) => block.type === 'thinking'));
        if (KEEPS_ITS_THOUGHTS.includes(place)) return assert.deepEqual(thoughts, [undefined, undefined]);
        assert.ok(thoughts[0] && thoughts[0].thinking.length > 3);
        assert.equal(thoughts[1]?.thinking, thoughts[0].thinking);
        assert.equal(textOf(final), textOf(whole));
        const messages: Anthropic.MessageParam[] = [
          ...request.messages,
          { role: 'assistant', content: final.content },
          { role: 'user', content: 'And 5 tokens more' },
        ];
        assert.ok(textOf(await anthropic.messages.create({ ...request, model, messages, thinking: THINK })).length > 5);
      });

      test(COUNTS.includes(place) ? '2.8 counts tokens' : '2.8 cannot count tokens', async () => {
        const counted = anthropic.messages.countTokens({ model, messages: request.messages });
        if (COUNTS.includes(place)) assert.ok((await counted).input_tokens > 3);
        else await assert.rejects(counted, isOllama(place) ? Anthropic.NotImplementedError : Anthropic.NotFoundError);
      });

      test('2.8 a stream that breaks off or just ends is raised, and is never a message', async () => {
        const once = { on: { path: /chat|messages/ }, times: 1 };
        for (const rule of [
          { ...once, errorAfterTokens: { count: 7, message: 'the model died' } },
          { ...once, silentEndAfterTokens: 7 },
          { ...once, cutAtByte: 700 },
        ]) {
          places.at(place).faults.add(rule);
          await assert.rejects(
            anthropic.messages.stream({ ...request, model }).finalMessage(),
            Anthropic.AnthropicError,
          );
          places.at(place).faults.add(rule);
          const types: string[] = [];
          const read = async () => {
            for await (const { type } of await anthropic.messages.create({ ...request, model, stream: true }))
              types.push(type);
          };
          await assert.rejects(read, Anthropic.APIError);
          assert.ok(types.includes('message_start') && !types.includes('message_stop'), types.join());
        }
        await places.atRest(place);
      });

      test('R27 an abort frees the slot', async () => {
        const messages = [{ role: 'user' as const, content: 'Tell me 100000 tokens' }];
        const stream = anthropic.messages.stream({ ...request, model, messages, max_tokens: 8000 });
        stream.once('streamEvent', () => stream.abort());
        await assert.rejects(stream.done(), Anthropic.APIUserAbortError);
        await places.atRest(place);
      });
    });
  }

  test("0 its list of models is OpenAI's", async () => {
    const ids: string[] = [];
    for await (const { id } of anthropic.models.list()) ids.push(id);
    assert.deepEqual(ids.toSorted(), PLACES.map(modelAt).toSorted());
    const slashed = modelAt('vllm');
    assert.equal((await anthropic.models.retrieve(slashed)).id, slashed);
  });

  test("2.8 errors are the client's own classes, with our words and types", async () => {
    const unknown = { ...request, model: 'nobody' };
    const wanted = (error: unknown) => {
      assert.ok(error instanceof Anthropic.NotFoundError);
      assert.equal(error.type, 'not_found_error');
      assert.match(error.message, /model 'nobody' not found/);
      return true;
    };
    await assert.rejects(anthropic.messages.create(unknown), wanted);
    await assert.rejects(anthropic.messages.stream(unknown).finalMessage(), wanted);
    await assert.rejects(anthropic.messages.countTokens({ model: 'nobody', messages: request.messages }), wanted);
    const container = { ...request, container: 'x' };
    await assert.rejects(anthropic.messages.create({ ...container, model: modelAt('old-vllm') }), (error) => {
      assert.ok(error instanceof Anthropic.BadRequestError);
      assert.match(error.message, /container/);
      return true;
    });
  });

  for (const place of PLACES) {
    test(`2.8 what ${place} refuses is told in Anthropic's form, whatever its own`, async () => {
      places.at(place).faults.add({ times: 1, status: 400, body: { error: { message: 'not like this' } } });
      await assert.rejects(anthropic.messages.create({ ...request, model: modelAt(place) }), (error) => {
        assert.ok(error instanceof Anthropic.BadRequestError);
        assert.equal(error.type, 'invalid_request_error');
        assert.match(error.message, /not like this/);
        return true;
      });
    });
  }
});

/** What a message says in words. */
function textOf({ content }: Anthropic.Message): string {
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}
