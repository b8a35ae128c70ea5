import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { EndpointFailure, Refusal } from '../../../src/errors.ts';
import { NativeDecoder } from '../../../src/protocols/ollama/answer-decoder.ts';
import { OllamaEncoder, type Shape } from '../../../src/protocols/ollama/answer-encoder.ts';
import { ChatEncoder } from '../../../src/protocols/openai/chat-encoder.ts';
import { TranslatedPipe } from '../../../src/protocols/translated-pipe.ts';
import { bytesOf, feed, feedEveryWay } from '../feeding.ts';

function decoded(...records: readonly JsonObject[]): AnswerEvent[] {
  const decoder = new NativeDecoder();
  return records.flatMap((record) => decoder.decode(record));
}

const say = (text: string): AnswerEvent => ({ type: 'text-delta', text });
const think = (text: string): AnswerEvent => ({ type: 'reasoning-delta', text });
const usage = (promptTokens: number, completionTokens: number): AnswerEvent => ({
  type: 'usage',
  usage: { promptTokens, completionTokens },
});
const finish = (reason: 'stop' | 'length' | 'tool-calls'): AnswerEvent => ({ type: 'finish', reason });
const call = (index: number, id: string | undefined, name: string, json: string): AnswerEvent => ({
  type: 'tool-call-delta',
  index,
  id,
  name,
  arguments: json,
});

for (const [name, record, events] of [
  ['a piece of a chat', { message: { role: 'assistant', content: 'a' }, done: false }, [say('a')]],
  ['an empty piece', { message: { role: 'assistant', content: '' }, done: false }, []],
  ['thinking before text', { message: { content: 'a', thinking: 't' }, done: false }, [think('t'), say('a')]],
  ['a piece of a generated text', { response: 'a', done: false }, [say('a')]],
  ['its thinking', { response: '', thinking: 't', done: false }, [think('t')]],
  [
    'log probabilities, one per token',
    { response: 'ab', logprobs: [{ token: 'a', logprob: -1.5 }, { token: 'b' }], done: false },
    [
      say('ab'),
      { type: 'logprobs', json: '{"token":"a","logprob":-1.5}' },
      { type: 'logprobs', json: '{"token":"b"}' },
    ],
  ],
  [
    'the last object with all counts',
    {
      message: { content: '' },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 3,
      eval_count: 5,
      load_duration: 250_000,
      prompt_eval_duration: 1_500_000,
      eval_duration: 2_000_000,
    },
    [usage(3, 5), { type: 'timings', timings: { loadMs: 0.25, promptMs: 1.5, completionMs: 2 } }, finish('stop')],
  ],
  ['1.4 missing counts, which are 0', { response: '', done: true, done_reason: 'stop' }, [usage(0, 0), finish('stop')]],
  ['one missing count', { response: '', done: true, eval_count: 4 }, [usage(0, 4), finish('stop')]],
  [
    'one missing duration',
    { response: '', done: true, prompt_eval_duration: 1e6 },
    [usage(0, 0), { type: 'timings', timings: { loadMs: 0, promptMs: 1, completionMs: 0 } }, finish('stop')],
  ],
  ['the token limit', { response: 'z', done: true, done_reason: 'length' }, [say('z'), usage(0, 0), finish('length')]],
  ['a load', { response: '', done: true, done_reason: 'load' }, [usage(0, 0), finish('stop')]],
  [
    '1.5 tool calls of /api/generate, at the top and without ids',
    { response: '', tool_calls: [{ function: { name: 'f', arguments: { b: 1, a: [] } } }], done: true },
    [call(0, undefined, 'f', '{"b":1,"a":[]}'), usage(0, 0), finish('tool-calls')],
  ],
] as const) {
  test(`4.6 ${name}`, () => {
    assert.deepEqual(decoded(record as unknown as JsonObject), events);
  });
}

test('4.6 tool calls are counted over the whole answer, whatever index Ollama gives them, and are why it stopped', () => {
  const calls = (...names: readonly string[]) =>
    names.map((name, index) => ({ id: `id-${name}`, function: { index, name, arguments: {} } }));
  assert.deepEqual(
    decoded(
      { message: { content: '', tool_calls: calls('f', 'g') }, done: false },
      { message: { content: '', tool_calls: calls('h') }, done: true, done_reason: 'stop' },
    ),
    [
      call(0, 'id-f', 'f', '{}'),
      call(1, 'id-g', 'g', '{}'),
      call(2, 'id-h', 'h', '{}'),
      usage(0, 0),
      finish('tool-calls'),
    ],
  );
  const cut = decoded({ message: { tool_calls: calls('f') }, done: true, done_reason: 'length' });
  assert.deepEqual(cut.at(-1), finish('length'), 'unless it was cut off');
});

test('arguments that are missing are {}, those that are text stay text', () => {
  const sent = [undefined, null, '{"a":1}'].map((given) => ({ function: { name: 'f', arguments: given } }));
  const found = decoded({ message: { tool_calls: sent as JsonObject[] }, done: false });
  assert.deepEqual(
    found.map((event) => event.type === 'tool-call-delta' && event.arguments),
    ['{}', '{}', '{"a":1}'],
  );
});

for (const [error, message] of [
  ['boom', 'boom'],
  [
    '{"error":{"code":400,"message":"request (9412 tokens) exceeds the available context size (8192 tokens)"}}',
    'request (9412 tokens) exceeds the available context size (8192 tokens)',
  ],
  ['{"error":"inner"}', 'inner'],
  ['{"other":1}', '{"other":1}'],
  ['{broken', '{broken'],
] as const) {
  test(`1.1 the error ${error} says ${message}`, () => {
    assert.deepEqual(decoded({ error }), [{ type: 'error', message }]);
    assert.deepEqual(decoded({ StatusCode: 404, Status: '404 Not Found', error }), [{ type: 'error', message }]);
  });
}

test('1.1 a whole answer that is not done is no answer, an object of a stream that is not done is one', () => {
  const record = { message: { role: 'assistant', content: 'la la la' }, done: false };
  const events = new NativeDecoder({ streaming: false }).decode(record);
  assert.deepEqual(events, [
    say('la la la'),
    { type: 'error', message: 'the endpoint gave up before the answer was finished' },
  ]);
  assert.deepEqual(new NativeDecoder({ streaming: true }).decode(record), [say('la la la')]);
});

const NDJSON = 'application/x-ndjson';

function pipe(streaming: boolean): TranslatedPipe {
  const encoder = new ChatEncoder('m', streaming, true);
  return new TranslatedPipe(new NativeDecoder({ streaming }), encoder, streaming ? NDJSON : 'application/json');
}

/** Ids and times differ from run to run. */
function mask(sent: string): string {
  return sent.replace(/"id":"chatcmpl-[a-z0-9]+","object":"[a-z.]+","created":\d+,/g, '');
}

const LINES = [
  { model: 'm', message: { role: 'assistant', content: '', thinking: 'hm ☕' }, done: false },
  { model: 'm', message: { role: 'assistant', content: 'Grüße 😀' }, done: false },
  { model: 'm', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', eval_count: 2 },
].map((line) => `${JSON.stringify(line)}\n`);
const record = (choices: string, rest = '') =>
  `data: {"model":"m","system_fingerprint":"fp_ollama","choices":[${choices}]${rest}}\n\n`;
const choice = (delta: string, reason = 'null') => `{"index":0,"delta":{${delta}},"finish_reason":${reason}}`;
const SAID =
  record(choice('"role":"assistant","content":""')) +
  record(choice('"reasoning_content":"hm ☕","reasoning":"hm ☕"')) +
  record(choice('"content":"Grüße 😀"'));

test('4.6 a stream of lines is a stream of records, the same for every cut', () => {
  const sent = feedEveryWay(() => pipe(true), LINES.join(''), 'end', mask);
  const counts = ',"usage":{"prompt_tokens":0,"completion_tokens":2,"total_tokens":2}';
  assert.deepEqual(sent, {
    text: bytesOf(`${SAID}${record(choice('', '"stop"'))}${record('', counts)}data: [DONE]\n\n`),
    error: undefined,
  });
});

test('4.6 a stream that ends without its last object ends in an error, and so does one with an error', () => {
  const early = feedEveryWay(() => pipe(true), LINES.slice(0, 2).join(''), 'end', mask).text;
  assert.ok(early.startsWith(bytesOf(SAID)) && /"error":\{.*\}\}\n\n$/.test(early) && !early.includes('[DONE]'), early);
  const failing = feedEveryWay(() => pipe(true), `${LINES.slice(0, 2).join('')}{"error":"boom"}\n`, 'end', mask).text;
  assert.ok(failing.startsWith(bytesOf(SAID)) && /"error":\{"message":"boom".*\}\}\n\n$/.test(failing), failing);
  assert.ok(!failing.includes('[DONE]'));
});

test('1.1 an error that comes first is a refusal, nothing at all a failure', () => {
  assert.ok(feed(pipe(true), [Buffer.from('{"error":"boom"}\n')]).error instanceof Refusal);
  assert.ok(feed(pipe(true), []).error instanceof EndpointFailure);
});

test('1.1 a whole answer that is not done is a refusal', () => {
  const body = JSON.stringify({ model: 'm', message: { role: 'assistant', content: 'la la' }, done: false });
  const { text, error } = feed(pipe(false), [Buffer.from(body)]);
  assert.ok(text === '' && error instanceof Refusal && error.status === 500);
});

test('4.6 a whole answer is one object', () => {
  const body = JSON.stringify({ message: { content: 'hi', thinking: 't' }, done: true, prompt_eval_count: 3 });
  const answer = JSON.parse(feedEveryWay(() => pipe(false), body, 'end', mask).text);
  assert.deepEqual(answer.choices[0].message, {
    role: 'assistant',
    content: 'hi',
    reasoning_content: 't',
    reasoning: 't',
  });
  assert.deepEqual(answer.usage, { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 });
});

const events = fc.array(
  fc.oneof(
    fc.string({ minLength: 1 }).map(say),
    fc.string({ minLength: 1 }).map(think),
    fc.constant<AnswerEvent>({ type: 'logprobs', json: '{"token":"a","logprob":-1}' }),
  ),
);

test('what is written as an Ollama answer is read back as it was', () => {
  fc.assert(
    fc.property(events, fc.constantFrom<Shape>('chat', 'generate'), fc.boolean(), (said, shape, streaming) => {
      const all = [...said, call(0, 'x', 'f', '{"a":1}'), usage(3, 5), finish('tool-calls')];
      const encoder = new OllamaEncoder(shape, 'm', streaming, () => 0);
      const written = all.map((event) => encoder.push([event])).join('') + encoder.end();
      const decoder = new NativeDecoder({ streaming });
      const read = written
        .split('\n')
        .filter((line) => line !== '')
        .flatMap((line) => decoder.decode(JSON.parse(line)));
      const sum = (list: readonly AnswerEvent[], type: AnswerEvent['type']) =>
        list
          .filter((event) => event.type === type)
          .map((event) => ('text' in event ? event.text : JSON.stringify({ ...event, id: '' })))
          .join('');
      for (const type of ['text-delta', 'reasoning-delta', 'logprobs', 'tool-call-delta', 'usage', 'finish'] as const)
        assert.equal(sum(read, type), sum(all, type));
    }),
  );
});
