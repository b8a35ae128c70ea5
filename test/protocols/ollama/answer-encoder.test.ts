import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import { asObject, type JsonObject } from '../../../src/domain/json.ts';
import { Refusal } from '../../../src/errors.ts';
import { OllamaEncoder, type Shape } from '../../../src/protocols/ollama/answer-encoder.ts';

/** The lines of an answer; each batch of events comes a millisecond and a half after the one before it. */
function lines(shape: Shape, batches: readonly (readonly AnswerEvent[])[]): JsonObject[] {
  let ms = 100;
  const encoder = new OllamaEncoder(shape, 'Client:Name', true, () => ms);
  const out = batches.map((events) => {
    ms += 1.5;
    return encoder.push(events);
  });
  ms += 1.5;
  const text = out.join('') + encoder.end();
  assert.ok(text.endsWith('\n'));
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

function whole(shape: Shape, events: readonly AnswerEvent[]): JsonObject {
  const encoder = new OllamaEncoder(shape, 'Client:Name', false, () => 0);
  for (const event of events) assert.equal(encoder.push([event]), '');
  const text = encoder.end();
  assert.ok(!text.includes('\n'));
  return JSON.parse(text);
}

const say = (text: string): AnswerEvent => ({ type: 'text-delta', text });
const think = (text: string): AnswerEvent => ({ type: 'reasoning-delta', text });
const logprob: AnswerEvent = { type: 'logprobs', json: '{"token":"a","logprob":-1.50}' };
const call = (index: number, id: string | undefined, name: string | undefined, json: string): AnswerEvent => ({
  type: 'tool-call-delta',
  index,
  id,
  name,
  arguments: json,
});

test('4.4 step 4 every piece is a line with the name that the client wrote, and its log probabilities', () => {
  const [first, second, last] = lines('chat', [[think('t'), say('a'), logprob], [], [say('b')]]);
  assert.match(String(first?.['created_at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
  assert.deepEqual(
    { ...first, created_at: 0 },
    {
      model: 'Client:Name',
      created_at: 0,
      message: { role: 'assistant', content: 'a', thinking: 't' },
      done: false,
      logprobs: [{ token: 'a', logprob: -1.5 }],
    },
  );
  assert.deepEqual(second?.['message'], { role: 'assistant', content: 'b' });
  assert.deepEqual(
    [last?.['done'], last?.['done_reason'], last?.['message']],
    [true, 'stop', { role: 'assistant', content: '' }],
  );
});

test('4.7 generate says response and thinking at the top, and response on every line', () => {
  const [first, second, last] = lines('generate', [[think('t')], [say('a')]]);
  assert.deepEqual(
    { ...first, created_at: 0 },
    { model: 'Client:Name', created_at: 0, response: '', thinking: 't', done: false },
  );
  assert.deepEqual({ ...second, created_at: 0 }, { model: 'Client:Name', created_at: 0, response: 'a', done: false });
  assert.deepEqual([last?.['response'], last?.['done'], 'context' in (last ?? {})], ['', true, false]);
});

test('4.4 step 6 tool calls come whole, in one line before the last one', () => {
  const [first, last, more] = lines('chat', [
    [call(0, 'x', 'f', '')],
    [call(1, undefined, undefined, '{"z": 1.0, "2"')],
    [call(0, undefined, undefined, ' ')],
    [call(1, undefined, 'g', ': 9007199254740993}')],
    [{ type: 'finish', reason: 'tool-calls' }],
  ]);
  const { tool_calls, ...message } = asObject(first?.['message']) ?? {};
  const [f, g] = tool_calls as { id: string }[];
  assert.deepEqual(message, { role: 'assistant', content: '' });
  assert.deepEqual(f, { id: 'x', function: { index: 0, name: 'f', arguments: {} } });
  assert.match(g?.id ?? '', /^call_/);
  assert.equal(first?.['done'], false);
  assert.deepEqual([last?.['done'], last?.['done_reason'], more], [true, 'stop', undefined]);
});

test('4.4 arguments keep key order and number text, and no line end breaks the line', () => {
  const encoder = new OllamaEncoder('chat', 'm', true, () => 0);
  encoder.push([call(0, 'x', 'f', '{"z": 1.0,\r\n "2": 9007199254740993,\n"a": "\\n"}')]);
  const [line = ''] = encoder.end().split('\n');
  assert.ok(line.includes('"arguments":{"z": 1.0,  "2": 9007199254740993, "a": "\\n"}'), line);
});

for (const json of ['{"a":', '[1]', 'null', '"x"', '{"a":1}{"b":2}']) {
  test(`4.4 arguments ${json} are an error, not {}`, () => {
    const encoder = new OllamaEncoder('chat', 'm', true, () => 0);
    encoder.push([call(0, 'x', 'f"', json)]);
    assert.throws(
      () => encoder.end(),
      (error) => error instanceof Refusal && error.message === 'invalid tool call arguments for "f""',
    );
  });
}

test('4.4 calls stand in the order of their index, with ids in chat and without in generate', () => {
  const events = [call(1, 'b', 'g', '{}'), call(0, 'a', 'f', '{}')];
  const chat = whole('chat', events)['message'] as JsonObject;
  assert.deepEqual(chat['tool_calls'], [
    { id: 'a', function: { index: 0, name: 'f', arguments: {} } },
    { id: 'b', function: { index: 1, name: 'g', arguments: {} } },
  ]);
  assert.deepEqual(whole('generate', events)['tool_calls'], [
    { function: { index: 0, name: 'f', arguments: {} } },
    { function: { index: 1, name: 'g', arguments: {} } },
  ]);
});

test('4.4 durations are whole nanoseconds: of the endpoint where it says them', () => {
  const timings: AnswerEvent = { type: 'timings', timings: { promptMs: 1.2345678, completionMs: 2e-9 } };
  const { total_duration, prompt_eval_duration, eval_duration } = whole('chat', [say('a'), timings]);
  assert.deepEqual([total_duration, prompt_eval_duration, eval_duration], [1, 1_234_568, 1]);
});

test('4.4 durations are else measured up to and from the first piece', () => {
  const last = lines('chat', [[], [], [think('t')], [say('a')]]).at(-1);
  assert.deepEqual(
    ['total_duration', 'prompt_eval_duration', 'eval_duration', 'load_duration'].map((key) => last?.[key]),
    [7_500_000, 4_500_000, 3_000_000, undefined],
  );
});

test('4.4 step 8 the last usage counts, and a count of zero is left out', () => {
  const usage = (promptTokens: number, completionTokens: number): AnswerEvent => ({
    type: 'usage',
    usage: { promptTokens, completionTokens },
  });
  const counts = (...events: AnswerEvent[]) => {
    const { prompt_eval_count, eval_count } = whole('chat', events);
    return [prompt_eval_count, eval_count];
  };
  assert.deepEqual(counts(usage(1, 2), usage(0, 0), usage(3, 4)), [3, 4]);
  assert.deepEqual(counts(usage(3, 0)), [3, undefined]);
  assert.deepEqual(counts(), [undefined, undefined]);
});

test('4.4 a whole answer is one object with everything', () => {
  const answer = whole('chat', [
    think('t'),
    say('a'),
    logprob,
    say('b'),
    logprob,
    { type: 'finish', reason: 'length' },
  ]);
  assert.deepEqual(answer['message'], { role: 'assistant', content: 'ab', thinking: 't' });
  assert.deepEqual(
    [answer['done'], answer['done_reason'], (answer['logprobs'] as object[]).length],
    [true, 'length', 2],
  );
});

test('4.4 step 2 an error ends a stream as a line and a whole answer as a refusal', () => {
  const error: AnswerEvent = { type: 'error', message: 'out of "memory"' };
  assert.equal(new OllamaEncoder('chat', 'm', true, () => 0).push([error]), '{"error":"out of \\"memory\\""}\n');
  assert.throws(() => new OllamaEncoder('chat', 'm', false, () => 0).push([error]), Refusal);
  assert.equal(new OllamaEncoder('chat', 'm', false, () => 0).fail('x'), '');
});

test('1.1 the content types are those of Ollama', () => {
  assert.equal(new OllamaEncoder('chat', 'm', true, () => 0).contentType, 'application/x-ndjson');
  assert.equal(new OllamaEncoder('chat', 'm', false, () => 0).contentType, 'application/json; charset=utf-8');
});
