import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AIMessage,
  type AIMessageChunk,
  HumanMessage,
  ToolMessage,
  type UsageMetadata,
} from '@langchain/core/messages';
import { ChatOllama, OllamaEmbeddings } from '@langchain/ollama';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { asked } from '../support/records.ts';
import { CITY, modelAt, PICTURE, PLACES, type Place, usePlaces } from './places.ts';

const SCHEMA = { ...CITY, title: 'answer' };
const WEATHER = {
  type: 'function' as const,
  function: { name: 'weather', description: 'Says how the weather is', parameters: CITY },
};

const BY_RESPONSES = 'ChatOpenAI by responses';

/** LangChain tries again six times unless told otherwise. */
const ONCE = { maxRetries: 0 };

describe('LangChain through the router', () => {
  const places = usePlaces();

  const chatOllama = (place: Place) => new ChatOllama({ ...ONCE, baseUrl: places.router.url, model: modelAt(place) });
  const chatOpenAi = (place: Place, useResponsesApi = false) =>
    new ChatOpenAI({ ...ONCE, ...openAi(), model: modelAt(place), useResponsesApi });
  const openAi = () => ({ apiKey: 'none', configuration: { baseURL: `${places.router.url}/v1` } });
  const CHATS = {
    ChatOllama: chatOllama,
    ChatOpenAI: (place: Place) => chatOpenAi(place),
    [BY_RESPONSES]: (place: Place) => chatOpenAi(place, true),
  };

  for (const place of PLACES) {
    for (const [name, chat] of Object.entries(CHATS)) {
      describe(`${name} and ${place}`, () => {
        test('9.7 answers, at once and in pieces', async () => {
          const whole = await chat(place).invoke('Tell me 9 tokens');
          assert.ok(whole.text.length > 9);
          const spent = tokensOf(whole);
          assert.ok(spent && spent.input_tokens > 0 && spent.output_tokens >= 9);
          const parts: AIMessageChunk[] = [];
          for await (const part of await chat(place).stream('Tell me 9 tokens')) parts.push(part);
          assert.ok(parts.length > 5, `${parts.length} pieces`);
          assert.equal(parts.map(({ text }) => text).join(''), whole.text);
          const all = parts.reduce((one, other) => one.concat(other));
          assert.equal(tokensOf(all)?.output_tokens, spent.output_tokens);
        });

        test('9.7 an answer in a schema is parsed', async () => {
          const structured = chat(place).withStructuredOutput<{ city: string }>(SCHEMA, { name: 'answer' });
          const { city } = await structured.invoke('Where?');
          assert.equal(typeof city, 'string');
        });

        test('9.7 a tool is called and its result told', async () => {
          const bound = chat(place).bindTools([WEATHER]);
          const first = await bound.invoke('call weather');
          const [call, ...others] = first.tool_calls ?? [];
          assert.equal(others.length, 0);
          assert.equal(call?.name, 'weather');
          assert.equal(typeof call.args['city'], 'string');
          assert.ok(call.id);
          const result = new ToolMessage({ content: `Rain in ${call.args['city']}`, tool_call_id: call.id });
          const told = new AIMessage({ content: first.text, tool_calls: [call] });
          const second = await bound.invoke([new HumanMessage('call weather'), told, result]);
          assert.ok(second.text.length > 3);
          assert.equal(second.tool_calls?.length ?? 0, 0);
          const last = asked(places.at(place)).at(-1)?.body.toString() ?? '';
          assert.ok(last.includes(JSON.stringify(`Rain in ${call.args['city']}`)), last);
        });

        test('9.7 a picture is seen', async () => {
          const url = `data:image/png;base64,${PICTURE}`;
          const content = [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url } },
          ];
          assert.match((await chat(place).invoke([new HumanMessage({ content })])).text, /^I see 1 image/);
        });

        if (name === BY_RESPONSES && place === 'openai') return; // LangChain passes over OpenAI's `response.failed`.
        test('R20 an answer that breaks off is an error', async () => {
          const rule = { on: { path: /chat|responses/ }, times: 1, errorAfterTokens: { count: 7, message: 'it died' } };
          places.at(place).faults.add(rule);
          const read = async () => {
            for await (const _ of await chat(place).stream('Tell me 9 tokens'));
          };
          await assert.rejects(read, place === 'ollama' && name !== 'ChatOllama' ? /early/ : /it died/);
          await places.atRest(place);
        });
      });
    }

    test(`9.7 LangChain's embeddings from ${place} are the same by either protocol`, async () => {
      const model = modelAt(place);
      const old = new OllamaEmbeddings({ ...ONCE, baseUrl: places.router.url, model });
      const documents = await old.embedDocuments(['one river', 'two']);
      assert.deepEqual(
        documents.map(({ length }) => length),
        [8, 8],
      );
      assert.deepEqual(await old.embedQuery('two'), documents[1]);
      const rounded = documents.map((vector) => vector.map(Math.fround));
      for (const format of [{}, { encodingFormat: 'float' as const }]) {
        const current = new OpenAIEmbeddings({ ...ONCE, ...openAi(), ...format, model });
        const vectors = await current.embedDocuments(['one river', 'two']);
        assert.deepEqual(
          vectors.map((vector) => vector.map(Math.fround)),
          rounded,
        );
      }
    });
  }

  test('9.7 ChatOllama looks for its model in the list before it asks', async () => {
    for (const place of PLACES) {
      const chat = new ChatOllama({ baseUrl: places.router.url, model: modelAt(place), checkOrPullModel: true });
      assert.ok((await chat.invoke('Tell me 3 tokens')).text.length > 3);
    }
  });

  test('1.3 an unknown model is told in words that LangChain passes on', async () => {
    const chat = new ChatOllama({ ...ONCE, baseUrl: places.router.url, model: 'nobody' });
    await assert.rejects(chat.invoke('x'), /model 'nobody' not found/);
    const current = new ChatOpenAI({ ...ONCE, ...openAi(), model: 'nobody' });
    await assert.rejects(current.invoke('x'), /model 'nobody' not found/);
  });
});

/** What an answer has cost. */
function tokensOf({ usage_metadata: usage }: AIMessageChunk): UsageMetadata | undefined {
  return usage;
}
