import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { errorOf } from '../../../src/protocols/error-text.ts';
import { RecordDecoder } from '../../../src/protocols/openai/answer-decoder.ts';

function decode(records: readonly JsonObject[], topLogprobs = 0): AnswerEvent[] {
  const decoder = new RecordDecoder(topLogprobs);
  return records.flatMap((record) => decoder.decode(record));
}

const delta = (fields: JsonObject): JsonObject => ({ choices: [{ index: 0, delta: fields, finish_reason: null }] });
const message = (fields: JsonObject, finish: string | null = 'stop'): JsonObject => ({
  choices: [{ index: 0, message: fields, finish_reason: finish }],
});
const said = (text: string): AnswerEvent => ({ type: 'text-delta', text });
const thought = (text: string): AnswerEvent => ({ type: 'reasoning-delta', text });
const stop: AnswerEvent = { type: 'finish', reason: 'stop' };

test('4.4 content and reasoning are read in a delta and in a message, empty and null ones say nothing', () => {
  assert.deepEqual(
    decode([delta({ role: 'assistant', content: null }), delta({ content: '' }), delta({ content: 'a' })]),
    [said('a')],
  );
  assert.deepEqual(decode([message({ role: 'assistant', content: 'a', reasoning_content: 'b' })]), [
    thought('b'),
    said('a'),
    stop,
  ]);
});

test('4.4 reasoning_content counts before reasoning, and either alone is enough', () => {
  assert.deepEqual(
    decode([
      delta({ reasoning_content: 'a' }),
      delta({ reasoning: 'b' }),
      delta({ reasoning_content: 'c', reasoning: 'c' }),
      delta({ reasoning_content: null, reasoning: 'd' }),
      delta({ reasoning_content: '', reasoning: 'e' }),
      delta({ reasoning: { effort: 'low' } }),
    ]),
    ['a', 'b', 'c', 'd', 'e'].map(thought),
  );
});

test('4.4 a refusal is appended to the content', () => {
  assert.deepEqual(decode([delta({ refusal: 'no' }), delta({ content: 'a', refusal: 'b' })]), [said('no'), said('ab')]);
});

for (const [reason, events] of [
  ['stop', [stop]],
  ['length', [{ type: 'finish', reason: 'length' }]],
  ['tool_calls', [{ type: 'finish', reason: 'tool-calls' }]],
  ['function_call', [{ type: 'finish', reason: 'tool-calls' }]],
  ['content_filter', [stop]],
  [null, []],
] as const) {
  test(`4.4 finish_reason ${reason}`, () => assert.deepEqual(decode([message({ content: '' }, reason)]), events));
}

function calls(...records: readonly JsonObject[]): unknown[] {
  return decode(records).map((event) =>
    event.type === 'tool-call-delta' ? [event.index, event.id, event.name, event.arguments] : event.type,
  );
}
const call = (fields: JsonObject): JsonObject => delta({ tool_calls: [fields] });

test('4.4 fragments of parallel calls keep their index', () => {
  assert.deepEqual(
    calls(
      call({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }),
      call({ index: 1, id: 'b', function: { name: 'g', arguments: '{"x"' } }),
      call({ index: 0, function: { arguments: '{}' } }),
      call({ index: 1, function: { arguments: ':1}' } }),
    ),
    [
      [0, 'a', 'f', ''],
      [1, 'b', 'g', '{"x"'],
      [0, undefined, undefined, '{}'],
      [1, undefined, undefined, ':1}'],
    ],
  );
});

test('4.4 without an index a new id begins a new call and anything else goes on with the last', () => {
  assert.deepEqual(
    calls(
      call({ function: { name: 'f', arguments: '' } }),
      call({ function: { arguments: '{' } }),
      call({ id: '', function: { arguments: '}' } }),
      call({ id: 'b', function: { name: 'g' } }),
      call({ id: 'b', function: { arguments: '{}' } }),
      call({ id: 'c', function: { name: 'h', arguments: { y: 1 } } }),
    ),
    [
      [0, undefined, 'f', ''],
      [0, undefined, undefined, '{'],
      [0, undefined, undefined, '}'],
      [1, 'b', 'g', ''],
      [1, 'b', undefined, '{}'],
      [2, 'c', 'h', '{"y":1}'],
    ],
  );
});

test('4.4 in a whole message every call is one of its own, with or without ids', () => {
  const one = { function: { name: 'f', arguments: '{}' } };
  assert.deepEqual(calls(message({ content: null, tool_calls: [one, { ...one, id: 'x' }, one] }, 'tool_calls')), [
    [0, undefined, 'f', '{}'],
    [1, 'x', 'f', '{}'],
    [2, undefined, 'f', '{}'],
    'finish',
  ]);
});

test('4.4 usage is read wherever it stands, and from timings where there is none', () => {
  const timings = { prompt_n: 2, cache_n: 3, predicted_n: 4, prompt_ms: 1.5, predicted_ms: 2.5 };
  const timed: AnswerEvent = { type: 'timings', timings: { promptMs: 1.5, completionMs: 2.5 } };
  const counted = (promptTokens: number, completionTokens: number): AnswerEvent => ({
    type: 'usage',
    usage: { promptTokens, completionTokens },
  });
  assert.deepEqual(decode([{ choices: [], usage: { prompt_tokens: 7, completion_tokens: 8 }, timings }]), [
    counted(7, 8),
    timed,
  ]);
  assert.deepEqual(decode([{ choices: [], timings }]), [counted(5, 4), timed]);
  assert.deepEqual(decode([{ choices: [], usage: null }]), []);
  assert.deepEqual(decode([{ choices: [], usage: {} }]), [counted(0, 0)]);
});

test('4.4 log probabilities are flat, with as many alternatives as were asked for', () => {
  const top = [1, 2, 3].map((n) => ({ token: `t${n}`, logprob: -n, bytes: [n] }));
  const entry = { token: 't1', logprob: -1, bytes: [1], top_logprobs: top };
  const record: JsonObject = { choices: [{ delta: { content: 't1' }, logprobs: { content: [entry, entry] } }] };
  const json = (count: number) =>
    decode([record], count).flatMap((event) => (event.type === 'logprobs' ? [JSON.parse(event.json)] : []));
  assert.deepEqual(json(0), Array(2).fill({ token: 't1', logprob: -1, bytes: [1] }));
  assert.deepEqual(json(2), Array(2).fill({ ...entry, top_logprobs: top.slice(0, 2) }));
  assert.deepEqual(decode([{ choices: [{ delta: {}, logprobs: null }] }]), []);
});

test('2.3 the columns of a completion are log probabilities as well', () => {
  const logprobs = {
    tokens: ['a', 'b'],
    token_logprobs: [-1, -2],
    top_logprobs: [{ a: -1, c: -3 }, null],
    text_offset: [0, 1],
  };
  const events = decode([{ choices: [{ text: 'ab', logprobs, finish_reason: null }] }], 1);
  assert.deepEqual(events, [
    said('ab'),
    { type: 'logprobs', json: '{"token":"a","logprob":-1,"top_logprobs":[{"token":"a","logprob":-1}]}' },
    { type: 'logprobs', json: '{"token":"b","logprob":-2,"top_logprobs":[]}' },
  ]);
});

test('4.7 completions say text, and llama-server in its own shape content and stop', () => {
  assert.deepEqual(
    decode([{ object: 'text_completion', choices: [{ text: 'a', index: 0, finish_reason: 'length' }] }]),
    [said('a'), { type: 'finish', reason: 'length' }],
  );
  assert.deepEqual(
    decode([
      { content: 'a', stop: false },
      { content: '', stop: true, stop_type: 'eos' },
    ]),
    [said('a'), stop],
  );
  assert.deepEqual(decode([{ content: '', stop: true, stop_type: 'limit' }]), [{ type: 'finish', reason: 'length' }]);
});

for (const [record, expected] of [
  [{ error: { message: 'm', type: 't', code: null } }, 'm'],
  [{ error: 'm' }, 'm'],
  [{ error: { code: 5 } }, '{"code":5}'],
  [{ object: 'error', message: 'm', code: 400 }, 'm'],
  [{ error: null, choices: [] }, undefined],
  [{ error: '', choices: [] }, undefined],
  [{ choices: [{ delta: { content: 'error' } }] }, undefined],
] as const) {
  test(`2.10 ${JSON.stringify(record)} says the error ${expected}`, () => {
    assert.equal(errorOf(JSON.parse(JSON.stringify(record))), expected);
  });
}

test('an error is the only event of its record', () => {
  assert.deepEqual(decode([{ error: 'm', choices: [{ delta: { content: 'a' } }] }]), [{ type: 'error', message: 'm' }]);
});
