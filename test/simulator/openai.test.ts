import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, type Json } from '../contract/ask.ts';

const user = (content: unknown) => [{ role: 'user', content }];
const weather = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

async function server(options: SimulatedEndpointOptions) {
  const endpoint = await startSimulatedEndpoint(options);
  const chat = (fields: object) =>
    ask(endpoint.url, '/v1/chat/completions', { body: { model: 'm', messages: user('hello'), ...fields } });
  return { endpoint, chat, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

describe('OpenAI', () => {
  const openai = (options: Omit<SimulatedEndpointOptions, 'kind'>) => server({ kind: 'openai', ...options });

  test('needs its key', async () => {
    await using it = await openai({ models: ['m'], key: 'secret' });
    for (const headers of [{}, { Authorization: 'Bearer wrong' }]) {
      const answer = await ask(it.endpoint.url, '/v1/models', { headers });
      assert.deepEqual([answer.status, answer.json().error.code], [401, 'invalid_api_key']);
    }
    const answer = await ask(it.endpoint.url, '/v1/models', { headers: { Authorization: 'Bearer secret' } });
    assert.deepEqual(
      answer.json().data.map((item: Json) => [item.id, item.object, item.owned_by]),
      [['m', 'model', 'openai']],
    );
  });

  const refusals: readonly (readonly [fields: object, param: string | null, code: string | null])[] = [
    [{ top_k: 5 }, 'top_k', 'unknown_parameter'],
    [{ keep_alive: 5 }, 'keep_alive', 'unknown_parameter'],
    [{ constructor: 5 }, 'constructor', 'unknown_parameter'],
    [{ messages: [{ role: 'user', content: 'x', thinking: 'y' }] }, 'messages[0].thinking', 'unknown_parameter'],
    [
      { messages: [{ role: 'assistant', content: 'x', reasoning_content: 'y' }] },
      'messages[0].reasoning_content',
      'unknown_parameter',
    ],
    [{ stream_options: { include_usage: true } }, 'stream_options', null],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop', 'invalid_type'],
    [{ temperature: 3 }, 'temperature', 'invalid_type'],
    [{ temperature: '1' }, 'temperature', 'invalid_type'],
    [{ max_tokens: 0 }, 'max_tokens', 'invalid_type'],
    [{ max_tokens: 1, max_completion_tokens: 1 }, 'max_tokens', 'invalid_parameter_combination'],
    [{ top_logprobs: 2 }, 'top_logprobs', null],
    [{ tools: [] }, 'tools', 'empty_array'],
    [{ tool_choice: 'auto' }, 'tool_choice', null],
    [{ tools: [{ ...weather, extra: 1 }] }, 'tools[0].extra', 'unknown_parameter'],
    [
      { response_format: { type: 'json_schema', json_schema: { schema: {} } } },
      'response_format.json_schema.name',
      'missing_required_parameter',
    ],
    [{ messages: [] }, 'messages', 'empty_array'],
    [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role', 'invalid_value'],
    [{ messages: user(null) }, 'messages.[0].content', null],
    [{ messages: user([{ type: 'image_url', image_url: { url: 'data:x' } }]) }, 'messages[0].content[0].type', null],
    [{ messages: [{ role: 'tool', tool_call_id: 'a', content: 'x' }] }, 'messages.[0].role', null],
    [
      {
        messages: [
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
        ],
      },
      'messages.[0].role',
      null,
    ],
    [
      {
        messages: [
          { role: 'assistant', content: null, tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }] },
        ],
      },
      'messages[0].tool_calls[0].type',
      'missing_required_parameter',
    ],
  ];
  for (const [fields, param, code] of refusals) {
    test(`refuses ${JSON.stringify(fields)}`, async () => {
      await using it = await openai({ models: ['m'] });
      const answer = await it.chat(fields);
      const { error } = answer.json();
      assert.deepEqual(
        [answer.status, error.type, error.param, error.code],
        [400, 'invalid_request_error', param, code],
      );
    });
  }

  test('takes every field it knows', async () => {
    await using it = await openai({ models: ['m'] });
    const fields = {
      max_completion_tokens: 5,
      temperature: 1,
      top_p: 1,
      n: 2,
      stop: ['a', 'b'],
      seed: 1,
      frequency_penalty: 0,
      presence_penalty: 0,
      logit_bias: {},
      logprobs: true,
      top_logprobs: 2,
      response_format: { type: 'text' },
      tools: [weather],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning_effort: 'low',
      user: 'u',
      store: false,
      metadata: {},
      service_tier: 'auto',
      stream: false,
    };
    const answer = await it.chat(fields);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json().choices.length, 2);
  });

  test('takes a tool call with its answer', async () => {
    await using it = await openai({ models: ['m'] });
    const call = { id: 'a', type: 'function', function: { name: 'weather', arguments: '{}' } };
    const messages = [
      ...user('call weather'),
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'a', content: 'rain' },
    ];
    const [choice] = (await it.chat({ messages, tools: [weather] })).json().choices;
    assert.deepEqual([choice.finish_reason, typeof choice.message.content], ['stop', 'string']);
  });

  test('streams null usage in every record and the true one at the end, only where asked', async () => {
    await using it = await openai({ models: ['m'] });
    const asked = (await it.chat({ stream: true, stream_options: { include_usage: true } })).records();
    assert.equal(asked.pop(), '[DONE]');
    const chunks: Json[] = asked.map((record) => JSON.parse(record));
    const last = chunks.pop();
    assert.deepEqual([last.choices, last.usage.completion_tokens], [[], 12]);
    assert.ok(chunks.every((chunk) => chunk.usage === null));
    const unasked = (await it.chat({ stream: true }))
      .records()
      .slice(0, -1)
      .map((record) => JSON.parse(record));
    assert.ok(unasked.every((chunk) => !('usage' in chunk) && chunk.choices.length === 1));
    assert.deepEqual(unasked[0].choices[0].delta, { role: 'assistant', content: '' });
  });

  test('counts reasoning and does not show it', async () => {
    await using it = await openai({ models: [{ name: 'm', capabilities: ['completion', 'thinking'] }] });
    const body = (await it.chat({})).json();
    assert.equal(body.usage.completion_tokens_details.reasoning_tokens, 5);
    assert.deepEqual(Object.keys(body.choices[0].message), ['role', 'refusal', 'annotations', 'content']);
  });

  test('knows its models and paths', async () => {
    await using it = await openai({ models: ['m', { name: 'me/e', capabilities: ['embedding'] }] });
    const { url } = it.endpoint;
    assert.equal((await it.chat({ model: 'zzz' })).json().error.code, 'model_not_found');
    assert.equal((await ask(url, '/v1/models/me%2Fe')).json().id, 'me/e');
    assert.equal((await ask(url, '/v1/models/zzz')).status, 404);
    assert.match((await ask(url, '/v1/nope')).json().error.message, /^Invalid URL \(GET \/v1\/nope\)/);
    assert.equal((await ask(url, '/v1/chat/completions')).status, 405);
    assert.equal((await ask(url, '/v1/chat/completions', { body: '{bad' })).status, 400);
    const embedded = (
      await ask(url, '/v1/embeddings', { body: { model: 'me/e', input: ['a', 'b'], dimensions: 3 } })
    ).json();
    assert.deepEqual(
      embedded.data.map((item: Json) => [item.index, item.embedding.length]),
      [
        [0, 3],
        [1, 3],
      ],
    );
    const completed = (await ask(url, '/v1/completions', { body: { model: 'm', prompt: 'say 50 tokens' } })).json();
    assert.deepEqual(
      [completed.object, completed.usage.completion_tokens],
      ['text_completion', 16],
      'sixteen unless asked',
    );
  });

  test('refuses a prompt longer than the context', async () => {
    await using it = await openai({ models: [{ name: 'm', contextLength: 8 }] });
    const answer = await it.chat({ messages: user('x'.repeat(100)) });
    assert.deepEqual([answer.status, answer.json().error.code], [400, 'context_length_exceeded']);
  });
});

describe('vLLM', () => {
  const vllm = (options: Omit<SimulatedEndpointOptions, 'kind'>) => server({ kind: 'vllm', ...options });

  test('ignores what it does not know and refuses wrong values with an int code', async () => {
    await using it = await vllm({ models: ['m'] });
    assert.equal((await it.chat({ whatever: 1, top_k: 5 })).status, 200);
    const answer = await it.chat({ temperature: -1 });
    assert.deepEqual(
      [answer.status, answer.json().error.type, answer.json().error.code],
      [400, 'BadRequestError', 400],
    );
    const unknown = (await it.chat({ model: 'zzz' })).json().error;
    assert.deepEqual(
      [unknown.type, unknown.code, unknown.message],
      ['NotFoundError', 404, 'The model `zzz` does not exist.'],
    );
  });

  test('tells how long a prompt may be, and refuses a longer one', async () => {
    await using it = await vllm({ models: [{ name: 'm', contextLength: 8 }] });
    const [item] = (await ask(it.endpoint.url, '/v1/models')).json().data;
    assert.deepEqual([item.owned_by, item.max_model_len, item.root], ['vllm', 8, 'm']);
    assert.match(
      (await it.chat({ messages: user('x'.repeat(100)) })).json().error.message,
      /^This model's maximum context length is 8 tokens/,
    );
  });

  test('reasons in `reasoning` and finishes with an empty content', async () => {
    await using it = await vllm({ models: [{ name: 'm', capabilities: ['completion', 'thinking'] }] });
    const records = (await it.chat({ stream: true })).records().slice(0, -1);
    const choices = records.map((record) => JSON.parse(record).choices[0]);
    assert.equal(choices.filter((choice) => choice.delta.reasoning !== undefined).length, 5);
    assert.deepEqual([choices.at(-1).delta, choices.at(-1).finish_reason], [{ content: '' }, 'stop']);
    assert.ok((await it.chat({})).json().choices[0].message.reasoning.length > 0);
  });

  test('has its own paths and a plain refusal of a wrong key', async () => {
    await using it = await vllm({ models: ['m'], key: 'secret' });
    const { url } = it.endpoint;
    assert.equal((await ask(url, '/health')).status, 200);
    assert.deepEqual((await ask(url, '/version')).json(), { version: '0.11.0' });
    assert.deepEqual((await ask(url, '/v1/models')).json(), { error: 'Unauthorized' });
    const headers = { Authorization: 'Bearer secret' };
    assert.deepEqual((await ask(url, '/nope', { headers })).json(), { detail: 'Not Found' });
    assert.equal((await ask(url, '/v1/models', { headers })).status, 200);
  });
});
