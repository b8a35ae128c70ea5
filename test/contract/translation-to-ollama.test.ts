import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { ndjson } from '../support/streams.ts';
import { headerIn, type Json, textOf, type WireAnswer } from '../support/wire.ts';

/** An Ollama of old, which has nothing but its own API. */
const OLD = {
  kind: 'ollama',
  lacks: ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/messages', '/v1/responses'],
  models: [{ name: 'm', capabilities: ['completion', 'tools', 'vision', 'thinking', 'insert'] }],
} as const;
const USER = { role: 'user', content: 'x' };
const PNG = 'iVBORw0KGgo=';
const TOOL = {
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object', properties: {} } },
};
const ONES = { temperature: 1, top_p: 1 };

/** What reaches `/api/chat` of a chat completion, and the router's answer. */
async function sent(fields: object): Promise<{ body: Json; answer: WireAnswer }> {
  await using endpoint = await startSimulatedEndpoint(OLD);
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask('/v1/chat/completions', { body: { model: 'm', messages: [USER], ...fields } });
  const native = asked(endpoint).find(({ path }) => path === '/api/chat');
  return { body: native?.json, answer };
}

const ROWS: readonly (readonly [fields: object, native: object, dropped?: string])[] = [
  [{}, { options: ONES }],
  [{ max_tokens: 9, max_completion_tokens: 2 }, { options: { ...ONES, num_predict: 2 } }],
  [{ temperature: 0, top_p: 0.5, stop: 's' }, { options: { temperature: 0, top_p: 0.5, stop: ['s'] } }],
  [
    { seed: 1, presence_penalty: 0.1, frequency_penalty: 0.2, stop: ['1', '2', '3', '4', '5'] },
    { options: { ...ONES, seed: 1, presence_penalty: 0.1, frequency_penalty: 0.2, stop: ['1', '2', '3', '4', '5'] } },
  ],
  [
    { top_k: 3, min_p: 0.1, repeat_penalty: 1.1, num_ctx: 4096 },
    { options: { ...ONES, top_k: 3, min_p: 0.1, repeat_penalty: 1.1, num_ctx: 4096 } },
  ],
  [{ response_format: { type: 'text' } }, { options: ONES }],
  [{ response_format: { type: 'json_object' } }, { options: ONES, format: 'json' }],
  [
    { response_format: { type: 'json_schema', json_schema: { name: 'n', strict: true, schema: { type: 'object' } } } },
    { options: ONES, format: { type: 'object' } },
  ],
  [{ tools: [TOOL] }, { options: ONES, tools: [TOOL] }],
  [{ tools: [TOOL], tool_choice: 'none' }, { options: ONES }],
  [{ tools: [TOOL], tool_choice: 'required' }, { options: ONES, tools: [TOOL] }, 'tool_choice'],
  [
    { logprobs: true, top_logprobs: 2 },
    { options: ONES, logprobs: true, top_logprobs: 2 },
  ],
  [
    { reasoning: { effort: 'high' }, reasoning_effort: 'low' },
    { options: ONES, think: 'high' },
  ],
  ...Object.entries({ none: false, minimal: 'low', low: 'low', medium: 'medium', high: 'high', max: 'max' }).map(
    ([effort, think]) => [{ reasoning_effort: effort }, { options: ONES, think }] as const,
  ),
  ...['xhigh', 'ultra'].map((effort) => [{ reasoning_effort: effort }, { options: ONES, think: 'max' }] as const),
  [{ user: 'me', keep_alive: '5m' }, { options: ONES }, 'user, keep_alive'],
];

describe('4.5 a chat completion on its way to an Ollama’s own API:', () => {
  for (const [fields, native, dropped] of ROWS) {
    test(JSON.stringify(fields), async () => {
      const { body, answer } = await sent(fields);
      assert.equal(answer.status, 200, textOf(answer));
      const { model, stream, messages, ...rest } = body;
      assert.deepEqual([messages, stream, rest], [[USER], false, native]);
      assert.equal(headerIn(answer, 'x-nomyo-dropped'), dropped);
    });
  }

  for (const fields of [{ n: 2 }, { logit_bias: { 1: 2 } }, { unheard_of: 1 }, { response_format: { type: 'x' } }]) {
    test(`${JSON.stringify(fields)} is refused by name`, async () => {
      const { body, answer } = await sent(fields);
      assert.deepEqual([body, answer.status], [undefined, 400]);
      assert.match(textOf(answer), new RegExp(`"param":"${Object.keys(fields)[0]}"`));
    });
  }

  test('messages', async () => {
    const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };
    const text = (said: string) => ({ type: 'text', text: said });
    const call = (id: string, json: string) => ({ id, type: 'function', function: { name: 'f', arguments: json } });
    const { body } = await sent({
      messages: [
        { role: 'developer', content: 'd' },
        { role: 'user', content: [text('a'), text('b'), image, text('c')] },
        {
          role: 'assistant',
          content: null,
          reasoning_content: 'r',
          tool_calls: [call('A', '{"b":1,"a":2}'), call('B', '')],
        },
        { role: 'tool', tool_call_id: 'B', content: 'second' },
        { role: 'tool', tool_call_id: 'A', content: 'first' },
        { role: 'function', name: 'g', content: 'old' },
      ],
    });
    assert.deepEqual(body.messages, [
      { role: 'system', content: 'd' },
      { role: 'user', content: 'a\nbc', images: [PNG] },
      {
        role: 'assistant',
        content: '',
        thinking: 'r',
        tool_calls: [
          { id: 'A', function: { name: 'f', arguments: { b: 1, a: 2 } } },
          { id: 'B', function: { name: 'f', arguments: {} } },
        ],
      },
      { role: 'tool', content: 'second', tool_name: 'f', tool_call_id: 'B' },
      { role: 'tool', content: 'first', tool_name: 'f', tool_call_id: 'A' },
      { role: 'tool', content: 'old', tool_name: 'g' },
    ]);
  });
});

const line = (message: object, more: object = {}) =>
  `${JSON.stringify({ model: 'm:latest', created_at: '2026-08-01T10:00:00Z', message: { role: 'assistant', content: '', ...message }, done: false, ...more })}\n`;
const called = (name: string, id?: string) => ({
  tool_calls: [{ id, function: { index: 0, name, arguments: { x: 1 } } }],
});

/** The records that a client of chat completions gets where Ollama's own API answers with these lines. */
async function records(lines: string, fields: object = {}): Promise<Json[]> {
  await using endpoint = await startSimulatedEndpoint(OLD);
  endpoint.faults.add({ on: { path: '/api/chat' }, ...ndjson(lines) });
  await using router = await routerBefore([endpoint]);
  const body = { model: 'm', messages: [USER], stream: true, ...fields };
  const text = textOf(await router.ask('/v1/chat/completions', { body }));
  const data = text.split('\n\n').filter((event) => event !== '');
  return data.map((event) => (event === 'data: [DONE]' ? 'done' : JSON.parse(event.slice('data: '.length))));
}

describe('4.6 an Ollama’s own stream becomes records:', () => {
  const DONE = line({}, { done: true, done_reason: 'stop', prompt_eval_count: 3 });

  test('one for reasoning and one for text, calls counted over the whole, a reason, the usage, the end', async () => {
    const stream = line({ thinking: 't', content: 'c' }) + line(called('f')) + line(called('g', 'G')) + DONE;
    const [first, ...got] = await records(stream, { stream_options: { include_usage: true } });
    assert.deepEqual(first.choices[0].delta, { role: 'assistant', content: '' });
    const usage = { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 };
    const calls = got.slice(2, 4).map(({ choices: [choice] }) => choice.delta.tool_calls[0]);
    assert.deepEqual(
      got.slice(0, 2).map(({ choices: [choice] }) => choice.delta),
      [{ reasoning_content: 't', reasoning: 't' }, { content: 'c' }],
    );
    assert.deepEqual(
      calls.map(({ index, type, function: made }) => [index, type, made.name, made.arguments]),
      [
        [0, 'function', 'f', '{"x":1}'],
        [1, 'function', 'g', '{"x":1}'],
      ],
    );
    assert.match(calls[0].id, /^call_[A-Za-z0-9]{24}$/);
    assert.equal(calls[1].id, 'G');
    const [finish, counted, done] = got.slice(4);
    assert.deepEqual([finish.choices[0].delta, finish.choices[0].finish_reason], [{}, 'tool_calls']);
    assert.deepEqual([counted.choices, counted.usage, done], [[], usage, 'done']);
    assert.ok(got.slice(0, -1).every(({ id, model }) => id === first.id && model === 'm'));
  });

  test('no usage unasked, and a length is a length though there were calls', async () => {
    const got = await records(line(called('f')) + line({}, { done: true, done_reason: 'length' }));
    assert.deepEqual(
      got.slice(2).map((record) => record.choices?.[0].finish_reason ?? record),
      ['length', 'done'],
    );
  });

  for (const [name, end] of [
    ['an error', '{"error":"boom"}\n'],
    ['no last object', ''],
  ] as const) {
    test(`${name} is an error, and no end is told`, async () => {
      const got = await records(line({ content: 'c' }) + end);
      assert.deepEqual(Object.keys(got.at(-1)), ['error']);
      assert.ok(got.every((record) => record !== 'done' && record.choices?.[0].finish_reason == null));
    });
  }
});
