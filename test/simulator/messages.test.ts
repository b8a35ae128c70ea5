import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { ModelDescription, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, type Json } from '../contract/ask.ts';
import { eventsIn, namesIn } from './events.ts';

type Kind = SimulatedEndpointOptions['kind'];

const kinds: readonly Kind[] = ['ollama', 'llama-server', 'vllm', 'openai'];
const thinker = { name: 'm', capabilities: ['completion', 'tools', 'thinking', 'vision'] } as const;
const weather = { name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } };
const user = (content: unknown) => [{ role: 'user', content }];
const thinking = { type: 'enabled', budget_tokens: 1024 };
const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };

async function server(kind: Kind, model: ModelDescription = 'm', options: Partial<SimulatedEndpointOptions> = {}) {
  const endpoint = await startSimulatedEndpoint({ kind, models: [model], has: ['/v1/messages'], ...options });
  const say = (fields: object) =>
    ask(endpoint.url, '/v1/messages', { body: { model: 'm', max_tokens: 2000, messages: user('hello'), ...fields } });
  return { endpoint, say, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

/** llama-server tells apart what it had in its cache. */
function inputTokens({ usage }: Json): number {
  return usage.input_tokens + (usage.cache_read_input_tokens ?? 0);
}

describe('a whole message', () => {
  for (const kind of kinds) {
    test(`of ${kind} says what its chat says`, async () => {
      await using it = await server(kind, { name: 'm', answer: 'all is well' });
      const message = (await it.say({ system: [{ type: 'text', text: 'be kind' }] })).json();
      const { type, role, model, content, stop_reason: reason, usage } = message;
      assert.deepEqual([type, role, model, reason], ['message', 'assistant', 'm', 'end_turn']);
      assert.deepEqual(content, [{ type: 'text', text: 'all is well' }]);
      const bare = inputTokens((await it.say({})).json());
      assert.deepEqual([inputTokens(message) > bare, usage.output_tokens], [true, 3], 'the system is read');
      assert.equal((await it.say({ max_tokens: 2 })).json().stop_reason, 'max_tokens');
      assert.equal((await it.say({ stop_sequences: [' well'] })).json().content[0].text, 'all is');
    });

    test(`of ${kind} thinks and calls tools`, async () => {
      await using it = await server(kind, thinker);
      const { content, stop_reason: reason } = (
        await it.say({ messages: user('call weather'), tools: [weather], thinking })
      ).json();
      assert.deepEqual(
        content.map((block: Json) => block.type),
        ['thinking', 'tool_use'],
      );
      assert.deepEqual([content[1].name, typeof content[1].input.city, reason], ['weather', 'string', 'tool_use']);
      const after = (result: string) => {
        const results = [{ type: 'tool_result', tool_use_id: content[1].id, content: result }, picture];
        const messages = [...user('call weather'), { role: 'assistant', content }, { role: 'user', content: results }];
        return it.say({ messages, tools: [weather], thinking: { type: 'disabled' } });
      };
      const next = await after('rain');
      assert.equal(next.status, 200, next.text);
      const longer = inputTokens((await after('rain and more rain')).json());
      assert.ok(longer > inputTokens(next.json()), 'the result is read');
      assert.match(next.json().content[0].text, /^I see 1 image/);
    });
  }
});

describe('a streamed message', () => {
  for (const kind of kinds) {
    test(`of ${kind} joins to the whole one`, async () => {
      await using it = await server(kind, thinker);
      const asked = { messages: user('call weather'), tools: [weather], thinking };
      const whole = (await it.say(asked)).json();
      const answer = await it.say({ ...asked, stream: true });
      assert.match(answer.headers['content-type'] ?? '', /^text\/event-stream/);
      const events = eventsIn(answer.text);
      const data = events.map((event) => event.data).filter((event) => event !== '[DONE]');
      assert.ok(data.every((event, i) => event.type === events[i]?.event));
      const opened = data.filter((event) => event.type === 'content_block_start');
      assert.deepEqual(
        opened.map((event) => [event.index, event.content_block.type]),
        [
          [0, 'thinking'],
          [1, 'tool_use'],
        ],
      );
      const joined = (index: number, field: string) =>
        data.map((event) => (event.index === index ? (event.delta?.[field] ?? '') : '')).join('');
      assert.equal(joined(0, 'thinking'), whole.content[0].thinking);
      assert.deepEqual(JSON.parse(joined(1, 'partial_json')), whole.content[1].input);
      assert.equal(data.filter((event) => event.type === 'content_block_stop').length, 2);
      const last = data.find((event) => event.type === 'message_delta');
      assert.deepEqual([last.delta.stop_reason, last.usage.output_tokens], ['tool_use', whole.usage.output_tokens]);
      assert.equal(data.at(-1).type, 'message_stop');
      assert.equal(answer.text.includes('[DONE]'), kind === 'vllm', 'which vLLM alone adds');
    });
  }

  test('has its events in the order of each kind', async () => {
    const order = async (kind: Kind) => {
      await using it = await server(kind, { ...thinker, answerTokens: 3, reasoningTokens: 2 });
      return namesIn(eventsIn((await it.say({ stream: true, thinking })).text)).map((name) =>
        name.replace('content_', ''),
      );
    };
    const block = ['block_start', 'block_delta', 'block_stop'];
    const end = ['message_delta', 'message_stop'];
    assert.deepEqual(await order('ollama'), ['message_start', ...block, ...block, ...end]);
    assert.deepEqual(await order('vllm'), ['message_start', ...block, ...block, ...end, '']);
    assert.deepEqual(await order('openai'), ['message_start', 'ping', ...block, ...block, ...end]);
    const late = ['block_start', 'block_delta', 'block_start', 'block_delta', 'block_stop'];
    assert.deepEqual(await order('llama-server'), ['message_start', ...late, ...end]);
  });

  test('that breaks ends as its kind ends it, without message_stop', async () => {
    const expected = {
      ollama: '',
      'llama-server': '{"error":{"code":500,"message":"boom","type":"server_error"}}',
      vllm: '{"type":"error","error":{"type":"internal_error","message":"boom"}}',
      openai: '{"type":"error","error":{"type":"api_error","message":"boom"}}',
    };
    for (const kind of kinds) {
      await using it = await server(kind);
      it.endpoint.faults.add({ errorAfterTokens: { count: 2, message: 'boom' } });
      const { text } = await it.say({ stream: true });
      const error = eventsIn(text).find(({ event }) => event === 'error');
      assert.equal(error === undefined ? '' : JSON.stringify(error.data), expected[kind]);
      assert.ok(!text.includes('message_stop'));
    }
  });
});

describe('a message is refused', () => {
  const rows: readonly (readonly [kind: Kind, fields: object, status: number, type: string, message: RegExp])[] = [
    ['ollama', { model: '' }, 400, 'invalid_request_error', /^model is required$/],
    ['ollama', { max_tokens: 0 }, 400, 'invalid_request_error', /^max_tokens is required and must be positive$/],
    ['ollama', { messages: [] }, 400, 'invalid_request_error', /^messages is required$/],
    ['ollama', { max_tokens: 'x' }, 400, 'invalid_request_error', /MessagesRequest.max_tokens of type int$/],
    ['ollama', { model: 'zzz' }, 404, 'not_found_error', /^model 'zzz' not found$/],
    [
      'ollama',
      { messages: user([{ type: 'image', source: { type: 'url', url: 'http://x/y.png' } }]) },
      400,
      'invalid_request_error',
      /^invalid image source type: url\. Only base64 images are supported\.$/,
    ],
    ['vllm', { model: 'zzz' }, 404, 'NotFoundError', /does not exist/],
    ['vllm', { max_tokens: -1 }, 400, 'BadRequestError', /^max_tokens/],
    ['vllm', { messages: user([picture]) }, 400, 'BadRequestError', /is not a multimodal model$/],
    ['openai', { model: undefined }, 400, 'invalid_request_error', /^model: Field required$/],
    ['openai', { max_tokens: undefined }, 400, 'invalid_request_error', /^max_tokens: Field required$/],
    ['openai', { messages: undefined }, 400, 'invalid_request_error', /^messages: Field required$/],
    ['openai', { messages: [] }, 400, 'invalid_request_error', /at least one message is required/],
    ['openai', { top_logprobs: 1 }, 400, 'invalid_request_error', /^top_logprobs: Extra inputs are not permitted$/],
    [
      'openai',
      { messages: [{ role: 'system', content: 'x' }] },
      400,
      'invalid_request_error',
      /Unexpected role "system"/,
    ],
    ['openai', { messages: [{ role: 'robot', content: 'x' }] }, 400, 'invalid_request_error', /^messages\.0\.role/],
    [
      'openai',
      { messages: user([{ type: 'foo' }]) },
      400,
      'invalid_request_error',
      /^messages\.0\.content\.0: Input tag 'foo'/,
    ],
    [
      'openai',
      { messages: user([{ type: 'tool_result', tool_use_id: 'a', content: 'x' }]) },
      400,
      'invalid_request_error',
      /unexpected `tool_use_id` found in `tool_result` blocks: a/,
    ],
    ['openai', { thinking: { type: 'enabled', budget_tokens: 5 } }, 400, 'invalid_request_error', /budget_tokens/],
    ['openai', { temperature: 1.5 }, 400, 'invalid_request_error', /^temperature/],
  ];
  for (const [kind, fields, status, type, message] of rows) {
    test(`by ${kind}: ${JSON.stringify(fields)}`, async () => {
      await using it = await server(kind);
      const answer = await it.say(fields);
      const { error, ...envelope } = answer.json();
      assert.deepEqual([answer.status, envelope.type, error.type], [status, 'error', type]);
      assert.match(error.message, message);
    });
  }

  test("by llama-server in its own words, in none of Anthropic's", async () => {
    await using it = await server('llama-server');
    const refused = async (fields: object) => (await it.say(fields)).json();
    assert.deepEqual(await refused({ messages: undefined }), {
      error: { code: 500, message: "'messages' is required", type: 'server_error' },
    });
    assert.equal((await refused({ messages: user([picture]) })).error.code, 500);
    assert.equal((await it.say({ max_tokens: undefined })).status, 200, 'it has a limit of its own');
  });

  test('without its key, which clients send in two headers', async () => {
    await using it = await server('openai', 'm', { key: 'secret' });
    const body = { model: 'm', max_tokens: 5, messages: user('x') };
    const status = async (headers: Record<string, string>) =>
      (await ask(it.endpoint.url, '/v1/messages', { body, headers })).status;
    assert.equal(await status({}), 401);
    assert.equal(await status({ Authorization: 'secret' }), 401);
    assert.equal(await status({ Authorization: 'Bearer secret' }), 200);
    assert.equal(await status({ 'X-Api-Key': 'secret' }), 200);
  });
});

test('an Ollama drops a wish to think that its model cannot fulfil', async () => {
  await using it = await server('ollama');
  assert.equal((await it.say({ thinking })).status, 200);
  await using thinks = await server('ollama', thinker);
  const types = async (fields: object) => (await thinks.say(fields)).json().content.map((block: Json) => block.type);
  assert.deepEqual(await types({}), ['thinking', 'text']);
  assert.deepEqual(await types({ thinking: { type: 'disabled' } }), ['text']);
});

test('a llama-server alone counts tokens, those that the message then costs', async () => {
  await using it = await server('llama-server');
  const body = { model: 'm', max_tokens: 5, system: 'be kind', messages: user('how long is this?') };
  const counted = (await ask(it.endpoint.url, '/v1/messages/count_tokens', { body })).json();
  assert.deepEqual(counted, { input_tokens: (await it.say(body)).json().usage.input_tokens });
  for (const kind of ['ollama', 'vllm', 'openai'] as const) {
    await using other = await server(kind);
    assert.equal((await ask(other.endpoint.url, '/v1/messages/count_tokens', { body })).status, 404);
  }
});

test('a message that an endpoint got stands on its record', async () => {
  await using it = await server('ollama');
  await it.say({ extra: 'kept' });
  const [recorded] = it.endpoint.requests;
  assert.deepEqual([recorded?.path, recorded?.model, recorded?.tokens], ['/v1/messages', 'm', 12]);
  assert.deepEqual(recorded?.json, { model: 'm', max_tokens: 2000, messages: user('hello'), extra: 'kept' });
});
