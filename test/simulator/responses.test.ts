import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { ModelDescription, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, type Json } from '../contract/ask.ts';
import { eventsIn, namesIn } from './events.ts';

type Kind = SimulatedEndpointOptions['kind'];

const kinds: readonly Kind[] = ['ollama', 'llama-server', 'vllm', 'openai'];
const thinker = { name: 'm', capabilities: ['completion', 'tools', 'thinking', 'vision'] } as const;
const parameters = { type: 'object', properties: { city: { type: 'string' } } };
const weather = { type: 'function', name: 'weather', parameters, strict: false } as const;
const schema = { type: 'object', properties: { age: { type: 'integer' } } };
const picture = { type: 'input_image', image_url: 'data:image/png;base64,aGk=' };

async function server(kind: Kind, model: ModelDescription = 'm') {
  const endpoint = await startSimulatedEndpoint({ kind, models: [model] });
  const respond = (fields: object) =>
    ask(endpoint.url, '/v1/responses', { body: { model: 'm', input: 'hello', ...fields } });
  return { endpoint, respond, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

const typesOf = (response: Json) => response.output.map((item: Json) => item.type);
const textOf = (response: Json) => response.output.find((item: Json) => item.type === 'message').content[0].text;

describe('a whole response', () => {
  for (const kind of kinds) {
    test(`of ${kind} says what its chat says`, async () => {
      await using it = await server(kind, { name: 'm', answer: 'all is well' });
      const response = (await it.respond({ instructions: 'be kind', max_output_tokens: 16 })).json();
      assert.deepEqual([response.object, response.status, response.model], ['response', 'completed', 'm']);
      assert.deepEqual([textOf(response), response.usage.output_tokens], ['all is well', 3]);
      assert.equal(response.usage.total_tokens, response.usage.input_tokens + 3);
      const body = {
        model: 'm',
        messages: [
          { role: 'system', content: 'be kind' },
          { role: 'user', content: 'hello' },
        ],
      };
      const chat = (await ask(it.endpoint.url, '/v1/chat/completions', { body })).json();
      assert.equal(response.usage.input_tokens, chat.usage.prompt_tokens);
    });

    test(`of ${kind} thinks, calls tools and reads their output`, async () => {
      await using it = await server(kind, thinker);
      const { output } = (await it.respond({ input: 'call weather', tools: [weather] })).json();
      assert.deepEqual(typesOf({ output }), ['reasoning', 'function_call']);
      const [, call] = output;
      assert.deepEqual([call.name, typeof JSON.parse(call.arguments).city], ['weather', 'string']);
      const input = [
        { role: 'user', content: 'call weather' },
        ...(kind === 'llama-server' ? [call] : output),
        { type: 'function_call_output', call_id: call.call_id, output: 'rain' },
        { role: 'user', content: [{ type: 'input_text', text: 'and?' }, picture] },
      ];
      const next = await it.respond({ input, tools: [weather] });
      assert.equal(next.status, 200, next.text);
      assert.match(textOf(next.json()), /^I see 1 image/);
    });

    test(`of ${kind} keeps to a schema${kind === 'llama-server' ? ', of which it reads none' : ''}`, async () => {
      await using it = await server(kind, { name: 'm', answer: 'all is well' });
      const format = { type: 'json_schema', name: 'person', schema };
      const text = textOf((await it.respond({ text: { format } })).json());
      if (kind === 'llama-server') assert.equal(text, 'all is well');
      else assert.equal(typeof JSON.parse(text).age, 'number');
    });
  }

  test('that is cut is incomplete, but on Ollama and llama-server, who do not tell', async () => {
    const cut = async (kind: Kind) => {
      await using it = await server(kind);
      const { status, incomplete_details: why } = (
        await it.respond({ input: 'say 50 tokens', max_output_tokens: 16 })
      ).json();
      return [status, why?.reason];
    };
    assert.deepEqual(await cut('ollama'), ['completed', undefined]);
    assert.deepEqual(await cut('llama-server'), ['completed', undefined]);
    assert.deepEqual(await cut('vllm'), ['incomplete', 'max_output_tokens']);
    assert.deepEqual(await cut('openai'), ['incomplete', 'max_output_tokens']);
  });
});

describe('a streamed response', () => {
  const reasoning = ['response.output_item.added', 'response.output_item.done'];
  const summary = ['response.reasoning_summary_text.delta', 'response.reasoning_summary_text.done'];
  const thought = ['response.reasoning_text.delta', 'response.reasoning_text.done'];
  const said = [
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
  ];
  const around = (...middle: string[]) => ['response.created', 'response.in_progress', ...middle, 'response.completed'];
  const [added = '', done = ''] = reasoning;
  const orders: readonly (readonly [Kind, readonly string[]])[] = [
    ['ollama', around(added, ...summary, done, ...said)],
    ['vllm', around(added, said[1] ?? '', ...thought, said[4] ?? '', done, ...said)],
    ['openai', around(added, done, ...said)],
    ['llama-server', around(added, thought[0] ?? '', ...said.slice(0, 3), done, ...said.slice(3))],
  ];
  for (const [kind, order] of orders) {
    test(`of ${kind} has its events in order and joins to the whole one`, async () => {
      await using it = await server(kind, thinker);
      const whole = (await it.respond({})).json();
      const answer = await it.respond({ stream: true });
      const events = eventsIn(answer.text);
      assert.deepEqual(namesIn(events), order);
      const deltas = events.filter(({ event }) => event === 'response.output_text.delta');
      assert.equal(deltas.map(({ data }) => data.delta).join(''), textOf(whole));
      const response = events.at(-1)?.data.response;
      assert.equal(textOf(response), textOf(whole));
      assert.equal(response.usage.output_tokens, whole.usage.output_tokens);
      const numbers = kind === 'llama-server' ? undefined : events.map((_, i) => i);
      const sent = events.map(({ data }) => data.sequence_number);
      assert.deepEqual(sent[0] === undefined ? undefined : sent, numbers);
      assert.equal(events[0]?.data.response.output === undefined, kind === 'llama-server');
    });

    test(`of ${kind} tells a call in fragments`, async () => {
      await using it = await server(kind);
      const events = eventsIn((await it.respond({ input: 'call weather', tools: [weather], stream: true })).text);
      const call = events.at(-1)?.data.response.output[0];
      const deltas = events.filter(({ event }) => event === 'response.function_call_arguments.delta');
      assert.equal(deltas.map(({ data }) => data.delta).join(''), call.arguments);
      const opened = events.find(({ event }) => event === 'response.output_item.added')?.data.item;
      assert.deepEqual([opened.call_id, opened.name, opened.arguments], [call.call_id, 'weather', '']);
      assert.equal(call.call_id.startsWith('fc_'), kind === 'llama-server');
    });
  }

  test('that breaks does not complete', async () => {
    for (const kind of kinds) {
      await using it = await server(kind);
      it.endpoint.faults.add({ errorAfterTokens: { count: 2, message: 'boom' } });
      const { text } = await it.respond({ stream: true });
      assert.ok(!text.includes('response.completed') && !text.includes('[DONE]'));
      assert.equal(text.includes('boom'), kind !== 'ollama', 'which swallows it');
    }
  });

  test("is understood by OpenAI's own client, but for llama-server's start and Ollama's reasoning", async () => {
    for (const [kind, model, isUnderstood] of [
      ['openai', thinker, true],
      ['vllm', thinker, true],
      ['ollama', 'm', true],
      ['ollama', thinker, false],
      ['llama-server', 'm', false],
    ] as const) {
      await using it = await server(kind, model);
      const client = new OpenAI({ baseURL: `${it.endpoint.url}/v1`, apiKey: 'x', maxRetries: 0 });
      const whole = await client.responses.create({ model: 'm', input: 'hello' });
      assert.ok(whole.output_text.length > 10);
      const stream = client.responses.stream({ model: 'm', input: 'hello' });
      if (isUnderstood) assert.equal((await stream.finalResponse()).output_text, whole.output_text);
      else await assert.rejects(stream.finalResponse());
    }
  });
});

describe('a response is refused', () => {
  const file = [{ type: 'input_file', file_id: 'x' }];
  const rows: readonly (readonly [kind: Kind, fields: object, status: number, message: RegExp])[] = [
    ['ollama', { input: [{ type: 'foo' }] }, 400, /^input\[0\]: unknown input item type: "foo"$/],
    ['ollama', { input: [{}] }, 400, /^input\[0\]: input item missing required 'type' field$/],
    ['ollama', { input: [{ role: 'user', content: file }] }, 400, /^file inputs are not currently supported$/],
    [
      'ollama',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'http://x/y.png' }] }] },
      400,
      /^image URLs are not currently supported/,
    ],
    ['ollama', { reasoning: { effort: 'foo' } }, 400, /^invalid reasoning value: "foo"/],
    ['ollama', { model: 'zzz' }, 404, /^model 'zzz' not found$/],
    ['llama-server', { input: undefined }, 400, /^'input' is required$/],
    ['llama-server', { input: [{ type: 'foo' }] }, 400, /^Cannot determine type of 'item'$/],
    ['llama-server', { previous_response_id: 'x' }, 400, /does not support 'previous_response_id'/],
    ['llama-server', { input: [{ role: 'user', content: file }] }, 400, /^'input_file' is not supported/],
    ['llama-server', { input: [{ role: 'user', content: [picture] }] }, 500, /^image input is not supported/],
    ['vllm', { input: [{ role: 'user', content: [picture] }] }, 400, /is not a multimodal model$/],
    ['vllm', { previous_response_id: 'x' }, 404, /^Response with id 'x' not found\.$/],
    ['openai', { top_k: 5 }, 400, /^Unknown parameter: 'top_k'\.$/],
    ['openai', { messages: [] }, 400, /^Unknown parameter: 'messages'\.$/],
    ['openai', { input: undefined }, 400, /^Missing required parameter: 'input'\.$/],
    ['openai', { max_output_tokens: 5 }, 400, /max_output_tokens/],
    ['openai', { input: [{ type: 'foo' }] }, 400, /^Invalid value: 'foo'/],
    ['openai', { input: [{ role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] }, 400, /'output_text'/],
    ['openai', { input: [{ type: 'function_call_output', call_id: 'a', output: 'x' }] }, 400, /^No tool call found/],
    ['openai', { tools: [{ type: 'function', function: { name: 'f' } }] }, 400, /'tools\[0\]\.name'/],
    ['openai', { previous_response_id: 'x' }, 400, /^Previous response with id 'x' not found\.$/],
  ];
  for (const [kind, fields, status, message] of rows) {
    test(`by ${kind}: ${JSON.stringify(fields)}`, async () => {
      await using it = await server(kind);
      const answer = await it.respond(fields);
      assert.equal(answer.status, status);
      assert.match(answer.json().error.message, message);
    });
  }
});

test('an openai goes on where a response that it stores ended, an Ollama does not know it', async () => {
  await using openai = await server('openai');
  const first = (await openai.respond({})).json();
  const next = (await openai.respond({ previous_response_id: first.id, input: 'more' })).json();
  assert.ok(next.usage.input_tokens > first.usage.input_tokens);
  assert.equal(next.previous_response_id, first.id);
  const unstored = (await openai.respond({ store: false })).json();
  assert.equal((await openai.respond({ previous_response_id: unstored.id })).status, 400);
  await using ollama = await server('ollama');
  assert.equal((await ollama.respond({ previous_response_id: 'x' })).json().previous_response_id, null);
});
