import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import OpenAI from 'openai';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import { asArray, asObject, type JsonObject } from '../../../src/domain/json.ts';
import { Refusal } from '../../../src/errors.ts';
import { RecordDecoder } from '../../../src/protocols/openai/answer-decoder.ts';
import { ChatEncoder } from '../../../src/protocols/openai/chat-encoder.ts';

const say = (text: string): AnswerEvent => ({ type: 'text-delta', text });
const think = (text: string): AnswerEvent => ({ type: 'reasoning-delta', text });
const usage: AnswerEvent = { type: 'usage', usage: { promptTokens: 3, completionTokens: 5 } };
const finish = (reason: 'stop' | 'length' | 'tool-calls'): AnswerEvent => ({ type: 'finish', reason });
const call = (index: number, id: string | undefined, name: string | undefined, json: string): AnswerEvent => ({
  type: 'tool-call-delta',
  index,
  id,
  name,
  arguments: json,
});

/** The stream's text, each list of events pushed at once. */
function streamed(batches: readonly (readonly AnswerEvent[])[], wantsUsage = false): string {
  const encoder = new ChatEncoder('Client:Name', true, wantsUsage);
  return batches.map((events) => encoder.push(events)).join('') + encoder.end();
}

/** The records of a stream that is complete. */
function records(batches: readonly (readonly AnswerEvent[])[], wantsUsage = false): JsonObject[] {
  const events = streamed(batches, wantsUsage).split('\n\n');
  assert.deepEqual(events.slice(-2), ['data: [DONE]', '']);
  return events.slice(0, -2).map((event) => JSON.parse(event.replace(/^data: /, '')));
}

/** What the records add, and why the answer stopped. */
function deltas(batches: readonly (readonly AnswerEvent[])[]): unknown[] {
  const choices = records(batches).map((record) => asObject(asArray(record['choices'])[0]));
  return choices.map((choice) => choice?.['finish_reason'] ?? choice?.['delta']);
}

function whole(events: readonly AnswerEvent[]): JsonObject {
  const encoder = new ChatEncoder('Client:Name', false, false);
  for (const event of events) assert.equal(encoder.push([event]), '');
  return JSON.parse(encoder.end());
}

const ROLE = { role: 'assistant', content: '' };

test('4.6 every record has one id, the time, and the name that the client wrote', () => {
  const all = records([[say('a')], [say('b')], [finish('stop')]]);
  const { id, created, choices, ...rest } = all[0] ?? {};
  assert.match(String(id), /^chatcmpl-[a-z0-9]{24}$/);
  assert.ok(Math.abs(Number(created) - Date.now() / 1000) < 5);
  assert.deepEqual(rest, { object: 'chat.completion.chunk', model: 'Client:Name', system_fingerprint: 'fp_ollama' });
  assert.deepEqual(choices, [{ index: 0, delta: ROLE, finish_reason: null }]);
  for (const record of all) assert.deepEqual([record['id'], record['created']], [id, created]);
  assert.notEqual(records([])[0]?.['id'], id, 'and the next answer has another');
});

test('4.6 the role comes first, thinking and text are two records, the reason stands alone', () => {
  assert.deepEqual(deltas([[], [think('t'), say('a')], [usage, finish('length')]]), [
    ROLE,
    { reasoning_content: 't', reasoning: 't' },
    { content: 'a' },
    'length',
  ]);
  assert.deepEqual(deltas([]), [ROLE, 'stop'], 'also where nothing was said');
});

test('4.6 nothing is sent before there is something to say: a refusal can still have its status', () => {
  const encoder = new ChatEncoder('m', true, true);
  assert.equal(encoder.push([]) + encoder.push([usage]) + encoder.push([finish('stop')]), '');
});

test('4.6 a call is one record; of fragments only the first has id, type and name', () => {
  const [first, ...next] = deltas([
    [call(0, 'a', 'f', '{"x"')],
    [call(1, undefined, 'g', '{}'), call(0, undefined, undefined, ':1}')],
    [finish('stop')],
  ]);
  assert.deepEqual(first, ROLE);
  const made = /"id":"(call_[a-z0-9]{24})"/.exec(JSON.stringify(next[1]))?.[1];
  assert.ok(made);
  assert.deepEqual(next, [
    { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x"' } }] },
    { tool_calls: [{ index: 1, id: made, type: 'function', function: { name: 'g', arguments: '{}' } }] },
    { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
    'tool_calls',
  ]);
  assert.deepEqual(deltas([[call(0, 'a', 'f', '{'), finish('length')]]).at(-1), 'length');
});

test('2.2 usage is sent where it was asked for, 0 where nothing was counted, and no other record lacks a choice', () => {
  const last = records([[say('a'), usage, finish('stop')]], true).at(-1);
  assert.deepEqual(last?.['choices'], []);
  assert.deepEqual(last?.['usage'], { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 });
  const none = records([[say('a')]], true).at(-1);
  assert.deepEqual(none?.['usage'], { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 });
  for (const record of records([[say('a'), usage, finish('stop')]])) {
    assert.equal(asArray(record['choices']).length, 1);
    assert.ok(!('usage' in record));
  }
});

test('2.2 log probabilities stand with their text, filled in as typed clients read them', () => {
  const json = '{"token":"a","logprob":-1.5},{"token":"b","logprob":-2,"bytes":[98],"top_logprobs":[{"token":"c"}]}';
  const entries = [
    { token: 'a', logprob: -1.5, bytes: null, top_logprobs: [] },
    { token: 'b', logprob: -2, bytes: [98], top_logprobs: [{ token: 'c' }] },
  ];
  const [, first] = records([[say('ab'), { type: 'logprobs', json }], [say('c')]]);
  assert.deepEqual(first?.['choices'], [
    { index: 0, delta: { content: 'ab' }, logprobs: { content: entries, refusal: null }, finish_reason: null },
  ]);
  const answer = whole([say('ab'), { type: 'logprobs', json }]);
  assert.deepEqual(asObject(asArray(answer['choices'])[0])?.['logprobs'], { content: entries, refusal: null });
});

test('4.6 a whole answer is one object', () => {
  const answer = whole([think('t'), say('a'), think('u'), say('b'), usage, finish('stop')]);
  const { id, created, ...rest } = answer;
  assert.match(`${id} ${created}`, /^chatcmpl-[a-z0-9]{24} \d{10}$/);
  assert.deepEqual(rest, {
    object: 'chat.completion',
    model: 'Client:Name',
    system_fingerprint: 'fp_ollama',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'ab', reasoning_content: 'tu', reasoning: 'tu' },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
  });
});

test('4.6 calls of a whole answer are put together, in order; without text the content is null', () => {
  const answer = whole([call(1, 'b', 'g', ''), call(0, 'a', 'f', '{'), call(0, undefined, undefined, '}')]);
  assert.deepEqual(asArray(answer['choices'])[0], {
    index: 0,
    message: {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: 'b', type: 'function', function: { name: 'g', arguments: '' } },
      ],
    },
    logprobs: null,
    finish_reason: 'tool_calls',
  });
});

test('4.6 an error ends a stream without [DONE], and a whole answer is a refusal instead', () => {
  const sent = new ChatEncoder('m', true, false).push([say('a'), { type: 'error', message: 'b"oom' }]);
  assert.match(sent, /"content":"a".*\n\ndata: \{"error":\{"message":"b\\"oom",.*"code":"upstream_lost"\}\}\n\n$/);
  assert.match(new ChatEncoder('m', true, false).fail('lost'), /^data: \{"error":\{"message":"lost"/);
  const encoder = new ChatEncoder('m', false, false);
  assert.equal(encoder.fail('lost'), '');
  assert.throws(
    () => encoder.push([say('a'), { type: 'error', message: 'boom' }]),
    (error) => error instanceof Refusal && error.status === 500 && error.message === 'boom',
  );
});

const anyEvent = fc.oneof(
  fc.string({ minLength: 1 }).map(say),
  fc.string({ minLength: 1 }).map(think),
  fc.record({
    type: fc.constant('tool-call-delta' as const),
    index: fc.nat(3),
    id: fc.option(fc.constant('x'), { nil: undefined }),
    name: fc.constant('f'),
    arguments: fc.string(),
  }),
);

/** The words of one kind, and the arguments of each call. */
function heard(events: readonly AnswerEvent[]): object {
  const words = (type: AnswerEvent['type']) =>
    events.map((event) => (event.type === type && 'text' in event ? event.text : '')).join('');
  const calls: Record<number, string> = {};
  for (const event of events)
    if (event.type === 'tool-call-delta') calls[event.index] = (calls[event.index] ?? '') + event.arguments;
  const ends = events.map(({ type, ...rest }) => (type === 'finish' || type === 'usage' ? JSON.stringify(rest) : ''));
  return {
    text: words('text-delta'),
    reasoning: words('reasoning-delta'),
    calls: Object.values(calls),
    ends: ends.sort().join(''),
  };
}

test('what is written, however it was batched, streamed or whole, reads back the same', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyEvent)), (batches) => {
      const events = batches.flat();
      const reason = events.some(({ type }) => type === 'tool-call-delta') ? 'tool-calls' : 'stop';
      const expected = heard([...events, finish(reason), usage]);
      const decoder = new RecordDecoder(0);
      const stream = records([...batches, [usage, finish('stop')]], true).flatMap((record) => decoder.decode(record));
      assert.deepEqual(heard(stream), expected);
      const said = new RecordDecoder(0).decode(whole([...events, usage, finish('stop')]));
      assert.deepEqual(heard(said), expected);
    }),
  );
});

/** Serves what an encoder writes to OpenAI's own client. */
async function withClient(events: readonly AnswerEvent[], use: (client: OpenAI) => Promise<void>): Promise<void> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { stream, stream_options: options } = JSON.parse(body);
    const encoder = new ChatEncoder('m', stream === true, options?.include_usage === true);
    response.writeHead(200, { 'Content-Type': encoder.contentType });
    for (const event of events) response.write(encoder.push([event]));
    response.end(events.some(({ type }) => type === 'error') ? '' : encoder.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    await use(new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'none', maxRetries: 0 }));
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const ASK = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] };
const TOOLS = [
  {
    type: 'function' as const,
    function: { name: 'add', parse: JSON.parse, function: () => '3', parameters: { type: 'object' } },
  },
];

test("OpenAI's own client reads a whole answer and a stream", async () => {
  await withClient([think('t'), say('Grüße'), say('!'), usage, finish('stop')], async (client) => {
    const answer = await client.chat.completions.create(ASK);
    assert.equal(answer.choices[0]?.message.content, 'Grüße!');
    assert.equal(answer.usage?.total_tokens, 8);
    let text = '';
    for await (const chunk of await client.chat.completions.create({ ...ASK, stream: true }))
      text += chunk.choices[0]?.delta.content ?? '';
    assert.equal(text, 'Grüße!');
    const final = await client.chat.completions
      .stream({ ...ASK, stream_options: { include_usage: true } })
      .finalChatCompletion();
    assert.deepEqual(
      [final.choices[0]?.message.content, final.choices[0]?.finish_reason, final.usage?.completion_tokens],
      ['Grüße!', 'stop', 5],
    );
  });
});

test("OpenAI's own client reads tool calls, whole and in fragments", async () => {
  const events = [
    call(0, 'a', 'add', '{"x":'),
    call(0, undefined, undefined, '1}'),
    call(1, 'b', 'add', '{}'),
    finish('stop'),
  ];
  await withClient(events, async (client) => {
    const { choices } = await client.chat.completions.create(ASK);
    const final = await client.chat.completions.stream({ ...ASK, tools: TOOLS }).finalChatCompletion();
    for (const choice of [choices[0], final.choices[0]]) {
      assert.equal(choice?.finish_reason, 'tool_calls');
      const calls = choice?.message.tool_calls ?? [];
      assert.deepEqual(
        calls.map((one) => [one.id, one.type, one.type === 'function' && one.function.arguments]),
        [
          ['a', 'function', '{"x":1}'],
          ['b', 'function', '{}'],
        ],
      );
    }
  });
});

test("OpenAI's own client throws at an error in the middle of a stream", async () => {
  await withClient([say('a'), { type: 'error', message: 'boom' }], async (client) => {
    const stream = client.chat.completions.stream(ASK);
    await assert.rejects(stream.finalChatCompletion(), /boom/);
  });
});
