import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageEvents } from '../../src/protocols/anthropic/stream-dialect.ts';
import { PassingPipe } from '../../src/protocols/audio/passing-pipe.ts';
import type { AnswerPipe } from '../../src/protocols/call.ts';
import { HeldPipe } from '../../src/protocols/held-pipe.ts';
import { NdjsonPipe } from '../../src/protocols/ollama/ndjson-pipe.ts';
import { CompletionSeries } from '../../src/protocols/openai/series.ts';
import { CHOICES } from '../../src/protocols/openai/stream-dialect.ts';
import { readTimings, readUsage } from '../../src/protocols/openai/usage.ts';
import { RESPONSE_EVENTS } from '../../src/protocols/responses/stream-dialect.ts';
import { SsePipe } from '../../src/protocols/sse-pipe.ts';
import type { Passage } from '../../src/protocols/stream-dialect.ts';
import { WholePipe } from '../../src/protocols/whole-pipe.ts';
import { everyCut } from './feeding.ts';
import { DONE, ODD_SSE, RECORDS, sse, TOOL_RECORDS } from './streams.ts';

const choices =
  (passage: Passage = {}) =>
  () =>
    new SsePipe(CHOICES, passage);
const lines = () => new NdjsonPipe(undefined);
const responses = () => new SsePipe(RESPONSE_EVENTS, {});
const messages = () => new SsePipe(messageEvents(false), {});

/** Pieces of a stream, which must be the same whatever the cuts. */
function piecesOf(pipe: () => AnswerPipe, stream: string): number {
  const found = new Set<number>();
  for (const reads of everyCut(Buffer.from(stream))) {
    const one = pipe();
    for (const read of reads) one.push(read);
    found.add(one.pieces);
  }
  assert.equal(found.size, 1, `${[...found]} of ${stream}`);
  return [...found][0] ?? -1;
}

const delta = (json: string) => `{"choices":[{"index":0,"delta":${json},"finish_reason":null}]}`;
const call = (json: string) => delta(`{"tool_calls":[{"index":0,${json}}]}`);

for (const [name, record, pieces] of [
  ['text', delta('{"content":"a"}'), 1],
  [
    'text of a space, a quote, a backslash',
    ['" "', '"\\""', '"\\\\"'].map((text) => delta(`{"content":${text}}`)).join('\n\ndata: '),
    3,
  ],
  ['a role alone', delta('{"role":"assistant","content":""}'), 0],
  ['no content', delta('{"role":"assistant","content":null}'), 0],
  ['reasoning', delta('{"reasoning_content":"a"}'), 1],
  ['reasoning beside an empty text', delta('{"content":"","reasoning":"a"}'), 1],
  ['reasoning in both spellings', delta('{"reasoning":"a","reasoning_content":"a"}'), 1],
  ['reasoning and text', delta('{"reasoning":"a","content":"b"}'), 1],
  ['text in parts', delta('{"content":[{"type":"text","text":"a"}]}'), 1],
  ['a refusal', delta('{"refusal":"no"}'), 1],
  ['a call by its name', call('"id":"x","function":{"name":"f","arguments":""}'), 1],
  ['arguments', call('"function":{"arguments":"{\\"a"}'), 1],
  ['arguments as an object', call('"function":{"arguments":{"a":1}}'), 1],
  ['a call by its name, its members in another order', call('"function":{"arguments":"","name":"f"},"id":"x"'), 1],
  ['a call that says nothing', call('"function":{"arguments":""}'), 0],
  ['no calls', delta('{"content":"","tool_calls":[]}'), 0],
  ['calls that are null', delta('{"content":"","tool_calls":null}'), 0],
  ['two calls in one record', delta('{"tool_calls":[{"function":{"name":"f"}},{"function":{"name":"g"}}]}'), 1],
  ['a call in its older form', delta('{"function_call":{"name":"f","arguments":""}}'), 1],
  ['a completion', '{"choices":[{"text":"a","index":0,"finish_reason":null}]}', 1],
  ['an empty completion', '{"choices":[{"text":"","index":0,"finish_reason":null}]}', 0],
  ['text in the record that finishes', '{"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}', 1],
  ['a finish', '{"choices":[{"delta":{"content":""},"finish_reason":"stop"}]}', 0],
  ['usage', '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}', 0],
  [
    'two choices in one record',
    '{"choices":[{"delta":{"content":"a"}},{"delta":{"content":""}},{"delta":{"content":"c"}}]}',
    2,
  ],
  ['spaces', '{ "choices" : [ { "delta" : { "content" : "a" } } ] }', 1],
  ['spaces about an empty text', '{ "choices" : [ { "delta" : { "content" : "" } } ] }', 0],
  [
    'members in another order',
    '{"choices":[{"finish_reason":null,"delta":{"content":"a","role":"assistant"}}],"id":"x"}',
    1,
  ],
  ['a text like a member', delta('{"role":"\\"content\\":\\"a\\" content\\":\\"b"}'), 0],
  ['a text that ends like a key', delta('{"role":"content"}'), 0],
  ['a longer key', delta('{"no_content":"a","content_type":"b"}'), 0],
  [
    'log probabilities',
    '{"choices":[{"delta":{"content":""},"logprobs":{"content":[{"token":"a","bytes":[97]}]}}]}',
    0,
  ],
  [
    'a completion with log probabilities',
    '{"choices":[{"text":"a","logprobs":{"tokens":["text"],"top_logprobs":[{"text":-1}]}}]}',
    1,
  ],
] as const) {
  test(`chunks: ${name}: ${pieces}`, () => {
    for (const passage of [{}, { edit: (json: Buffer) => json }, { hideUsage: true }])
      for (const end of ['\n', '\r\n', '\r']) {
        const event = `: hi${end}${end}data: ${record.replaceAll('\n', end)}${end}${end}`;
        assert.equal(piecesOf(choices(passage), event + event), 2 * pieces);
      }
  });
}

test('chunks are counted in every form that a stream can have', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    assert.equal(piecesOf(choices(), sse(RECORDS, end) + DONE.replaceAll('\n', end)), 4);
    assert.equal(piecesOf(choices(), sse(TOOL_RECORDS, end)), 4);
  }
  assert.equal(piecesOf(choices(), ODD_SSE), 2);
  assert.equal(piecesOf(choices(), 'data: {"choices":[{"delta":{"content"\ndata:: \ndata: "a"}}]}\n\n'), 1);
  const many = `data: ${delta('{"content":"a"}')}\n\n`.repeat(500);
  const pipe = choices()();
  pipe.push(Buffer.from(many));
  assert.equal(pipe.pieces, 500);
});

test('a last event without its blank line is a piece where the stream ends, and none where it breaks off', () => {
  for (const ending of ['end', 'fail'] as const) {
    const pipe = choices()();
    pipe.push(Buffer.from(`data: ${delta('{"content":"a"}')}\n\ndata: ${delta('{"content":"b"}')}`));
    assert.equal(pipe.pieces, 1);
    pipe[ending]('lost');
    assert.equal(pipe.pieces, ending === 'end' ? 2 : 1);
  }
});

const event = (json: string) => `event: ${/"type":"([^"]+)"/.exec(json)?.[1]}\ndata: ${json}\n\n`;

for (const [name, record, pieces] of [
  ['text', '{"type":"response.output_text.delta","delta":"a","logprobs":[]}', 1],
  ['no text', '{"type":"response.output_text.delta","delta":""}', 0],
  ['reasoning', '{"type":"response.reasoning_text.delta","delta":"a"}', 1],
  ['a summary', '{"type":"response.reasoning_summary_text.delta","delta":"a"}', 1],
  ['a call', '{"type":"response.output_item.added","item":{"type":"function_call","name":"f","arguments":""}}', 1],
  [
    'a call, its members in another order',
    '{"item":{"name":"f","type":"function_call"},"type":"response.output_item.added"}',
    1,
  ],
  ['arguments', '{"type":"response.function_call_arguments.delta","item_id":"x","delta":"{"}', 1],
  ['a message that begins', '{"type":"response.output_item.added","item":{"type":"message","content":[]}}', 0],
  ['a part', '{"type":"response.content_part.added","part":{"type":"output_text","text":""}}', 0],
  ['all of the text', '{"type":"response.output_text.done","text":"a"}', 0],
  [
    'a call that is complete',
    '{"type":"response.output_item.done","item":{"type":"function_call","arguments":"{}"}}',
    0,
  ],
  ['the end', '{"type":"response.completed","response":{"output":[{"type":"function_call","arguments":"{}"}]}}', 0],
] as const) {
  test(`response events: ${name}: ${pieces}`, () =>
    assert.equal(piecesOf(responses, event(record) + event(record)), 2 * pieces));
}

for (const [name, record, pieces] of [
  ['text', '{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}', 1],
  ['no text', '{"type":"content_block_delta","delta":{"type":"text_delta","text":""}}', 0],
  ['thinking', '{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"a"}}', 1],
  ['arguments', '{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{"}}', 1],
  ['a signature', '{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"a"}}', 0],
  ['a citation', '{"type":"content_block_delta","delta":{"type":"citations_delta","citation":{"cited_text":"a"}}}', 0],
  ['a block that begins', '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}', 0],
  ['a call', '{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f","input":{}}}', 1],
  [
    'a call, its members in another order',
    '{"content_block":{"type":"tool_use","name":"f"},"type":"content_block_start"}',
    1,
  ],
  ['the start', '{"type":"message_start","message":{"type":"message","content":[],"usage":{"input_tokens":9}}}', 0],
  ['a ping', '{"type":"ping"}', 0],
  ['the end of a block', '{"type":"content_block_stop","index":0}', 0],
  ['the end', '{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":5}}', 0],
] as const) {
  test(`message events: ${name}: ${pieces}`, () =>
    assert.equal(piecesOf(messages, event(record) + event(record)), 2 * pieces));
}

for (const [name, line, pieces] of [
  ['text', '{"message":{"role":"assistant","content":"a"},"done":false}', 1],
  ['no text', '{"message":{"role":"assistant","content":""},"done":false}', 0],
  ['thinking', '{"message":{"role":"assistant","content":"","thinking":"a"},"done":false}', 1],
  ['thinking and text', '{"message":{"content":"b","thinking":"a"},"done":false}', 1],
  ['a response', '{"response":"a","done":false}', 1],
  [
    'two calls',
    '{"message":{"content":"","tool_calls":[{"function":{"name":"f"}},{"function":{"name":"g"}}]},"done":false}',
    1,
  ],
  [
    'a call with arguments that look like an answer',
    '{"message":{"content":"","tool_calls":[{"function":{"arguments":{"content":"a","done":true}}}]}}',
    1,
  ],
  ['log probabilities', '{"response":"","logprobs":[{"token":"a","logprob":-1}],"done":false}', 0],
  ['spaces', '{ "message" : { "content" : "a" } }', 1],
  ['the end', '{"message":{"role":"assistant","content":""},"done":true,"eval_count":5}', 0],
  ['text in the line that ends', '{"response":"a","done":true,"eval_count":5}', 1],
  ['progress', '{"status":"pulling 123","digest":"sha256:1","total":5,"completed":1}', 0],
] as const) {
  test(`lines: ${name}: ${pieces}`, () => {
    for (const pipe of [lines, () => new NdjsonPipe((bytes) => bytes)])
      for (const end of ['\n', '\r\n']) assert.equal(piecesOf(pipe, `${line}${end}${line}${end}`), 2 * pieces);
  });
}

test('whatever a record repeats, it is counted in one go', () => {
  for (const [pipe, part] of [
    [choices(), '{"tool_calls":[{"function":{"function":{'],
    [choices(), '"content":"","function":{   '],
    [responses, '"response.output_item.added" '],
    [responses, '"function_call" '],
    [messages, '"content_block_start" '],
    [messages, '"tool_use" '],
    [lines, '"tool_calls":[ "content" : "" '],
  ] as const) {
    const one = pipe();
    one.push(Buffer.from(`data: ${part.repeat(4_000_000 / part.length)}\n\n`));
    assert.equal(one.pieces, 0);
  }
});

test('pipes of whole answers and of sounds count no pieces', () => {
  const whole = '{"choices":[{"message":{"content":"a"}}],"timings":{"prompt_ms":1,"predicted_ms":2}}';
  const pipe = new WholePipe(readUsage, (answer) => answer, readTimings);
  for (const one of [pipe, new HeldPipe((answer) => ({ answer, usage: undefined })), new PassingPipe()]) {
    one.push(Buffer.from(whole));
    one.end();
    assert.equal(one.pieces, 0);
  }
  assert.deepEqual(pipe.timings, { promptMs: 1, completionMs: 2 });
});

test('a part of a series tells what its own answer tells', () => {
  const series = new CompletionSeries(2, false);
  const part = series.part(0, choices()());
  const timings = '"timings":{"prompt_n":3,"predicted_n":1,"prompt_ms":1,"predicted_ms":2}';
  part.push(Buffer.from(`data: {"choices":[{"index":0,"text":"a"}],${timings}}\n\n`));
  assert.deepEqual(
    [part.pieces, part.promptTokens, part.usage, part.timings],
    [1, 3, undefined, { promptMs: 1, completionMs: 2 }],
  );
});
