import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure, Refusal } from '../../src/errors.ts';
import { OllamaEncoder, type Shape } from '../../src/protocols/ollama/answer-encoder.ts';
import { RecordDecoder } from '../../src/protocols/openai/answer-decoder.ts';
import { TranslatedPipe } from '../../src/protocols/translated-pipe.ts';
import { bytesOf, feed, feedEveryWay, type Outcome } from './feeding.ts';
import { DONE, ODD_SSE, RECORDS, sse, TOOL_RECORDS } from './streams.ts';

const SSE = 'text/event-stream; charset=utf-8';
const LAST =
  '"done":true,"done_reason":"stop","total_duration":1,"prompt_eval_count":3,"prompt_eval_duration":1,"eval_count":5,"eval_duration":1';

function pipe(shape: Shape = 'chat', streaming = true, type = SSE): TranslatedPipe {
  return new TranslatedPipe(new RecordDecoder(0), new OllamaEncoder(shape, 'm', streaming, () => 0), type);
}

/** Times and ids made up differ from run to run. */
function mask(text: string): string {
  return text.replace(/"model":"m","created_at":"[^"]+",/g, '').replace(/call_[a-z0-9]{24}/g, 'call_new');
}

/** The answer, the same for every cut of the stream. */
function answered(stream: string, ending: 'end' | 'break' = 'end', shape: Shape = 'chat'): Outcome {
  return feedEveryWay(() => pipe(shape), stream, ending, mask);
}

function whole(body: string, streaming: boolean, shape: Shape = 'chat'): Outcome {
  return feedEveryWay(() => pipe(shape, streaming, 'application/json'), body, 'end', mask);
}

const line = (message: string) => `{"message":{"role":"assistant",${message}},"done":false}\n`;
const last = (rest: string) => `{"message":{"role":"assistant","content":""},${rest}}\n`;
const TEXT = bytesOf(
  line('"content":"","thinking":"hm ☕"') +
    line('"content":"","thinking":"hm é"') +
    line('"content":"Grüße, \\"world\\" 😀"') +
    line('"content":"!\\n\\n"'),
);
const SHORT = `data: {"choices":[{"delta":{"content":"a"}}]}\n\n`;
const A = line('"content":"a"');
const FINISH = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n';
const UNCOUNTED = '"done":true,"done_reason":"stop","total_duration":1,"prompt_eval_duration":1,"eval_duration":1';

for (const [name, stream] of [
  ['LF', sse(RECORDS) + DONE],
  ['CRLF', sse(RECORDS, '\r\n') + DONE.replaceAll('\n', '\r\n')],
  ['CR', sse(RECORDS, '\r') + DONE.replaceAll('\n', '\r')],
] as const) {
  test(`4.4 a stream whose lines end in ${name} is translated the same for every cut`, () => {
    assert.deepEqual(answered(stream), { text: TEXT + last(LAST), error: undefined });
  });
}

test('4.4 step 6 the end of the stream does for [DONE]', () => {
  assert.equal(answered(sse(RECORDS)).text, TEXT + last(LAST));
});

test('4.4 step 1 comments, several data lines, other fields and a missing space make no difference', () => {
  assert.equal(
    answered(ODD_SSE).text,
    bytesOf(line('"content":"é"') + line('"content":"x"') + last(UNCOUNTED.replace('stop', 'length'))),
  );
});

test('4.4 step 6 fragments of tool calls become one line before the last', () => {
  const calls =
    '{"id":"a","function":{"index":0,"name":"f","arguments":{"city":"Köln"}}},{"id":"b","function":{"index":1,"name":"g","arguments":{}}}';
  assert.equal(
    answered(sse(TOOL_RECORDS) + DONE).text,
    bytesOf(line(`"content":"","tool_calls":[${calls}]`) + last(UNCOUNTED)),
  );
});

test('4.4 tool arguments that are no object are a refusal, or the last line once something was sent', () => {
  const bad =
    'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]},"finish_reason":"tool_calls"}]}\n\n';
  const refused = answered(bad + DONE);
  assert.ok(refused.error instanceof Refusal && refused.text === '');
  assert.equal(refused.error.message, 'invalid tool call arguments for "f"');
  assert.deepEqual(answered(SHORT + bad + DONE), {
    text: `${A}{"error":"invalid tool call arguments for \\"f\\""}\n`,
    error: undefined,
  });
  assert.equal(
    answered(SHORT + bad).text,
    `${A}{"error":"invalid tool call arguments for \\"f\\""}\n`,
    'at the end of the stream too',
  );
});

for (const [record, status, message] of [
  ['{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}', 503, 'Loading model'],
  ['{"error":{"code":"context_length_exceeded","message":"too long"}}', 500, 'too long'],
  ['{"error":"boom"}', 500, 'boom'],
  ['{"error":{"code":401,"message":"Invalid API Key"}}', 502, 'Invalid API Key'],
  ['{"error":{"code":1,"message":"odd"}}', 500, 'odd'],
  ['{"object":"error","message":"bad","code":400}', 400, 'bad'],
] as const) {
  test(`4.4 step 1 the first record ${record} is the refusal ${status}`, () => {
    const role = 'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n';
    for (const stream of [`data: ${record}\n\n`, `: ping\n\n${role}data: ${record}\n\n${DONE}`]) {
      const { text, error } = answered(stream);
      assert.ok(error instanceof Refusal && text === '');
      assert.deepEqual([error.status, error.message], [status, message]);
    }
  });
}

test('4.4 step 2 a later error is a line, and nothing follows it', () => {
  const failing = `${SHORT}data: {"error":{"message":"boom","code":500}}\n\n`;
  for (const rest of ['', DONE, SHORT + FINISH + DONE])
    for (const ending of ['end', 'break'] as const)
      assert.deepEqual(answered(failing + rest, ending), { text: `${A}{"error":"boom"}\n`, error: undefined });
});

test('4.4 step 7 a stream that ends without a reason is broken, unless [DONE] says it is complete', () => {
  assert.equal(answered(SHORT).text, `${A}{"error":"upstream closed the stream early"}\n`);
  assert.equal(answered(`${SHORT}data: {"choices":[{"del`).text, `${A}{"error":"upstream closed the stream early"}\n`);
  assert.equal(answered(SHORT + DONE).text, A + last(UNCOUNTED));
  for (const stream of ['', ': ping\n\n', 'data: {"choices":[]}\n\n'])
    assert.ok(
      feed(pipe(), stream === '' ? [] : [Buffer.from(stream)]).error instanceof EndpointFailure,
      'and another endpoint may answer',
    );
});

test('4.4 step 7 the last record counts without its blank line', () => {
  assert.equal(answered(SHORT + FINISH.trimEnd()).text, A + last(UNCOUNTED));
  assert.equal(answered(`${SHORT}data: [DONE]`).text, A + last(UNCOUNTED));
  assert.equal(answered(`${SHORT + FINISH}data: [DO`).text, A + last(UNCOUNTED));
});

test('a connection that breaks ends the answer with an error, unless it had said why it stopped', () => {
  assert.equal(answered(SHORT, 'break').text, `${A}{"error":"the answer broke off: lost"}\n`);
  assert.equal(answered(SHORT + FINISH, 'break').text, A + last(UNCOUNTED));
  assert.equal(answered(SHORT + DONE, 'break').text, A + last(UNCOUNTED));
});

test('a record that is no JSON ends the answer, and what came before it is sent first', () => {
  for (const nonsense of ['{', '5', 'null', '[1]'])
    assert.equal(
      answered(`${SHORT}data: ${nonsense}\n\n${SHORT}`).text,
      `${A}{"error":"the answer broke off: sent a record that is not JSON"}\n`,
    );
  assert.ok(answered(`data: nonsense\n\n${SHORT}`).error instanceof EndpointFailure);
});

test('4.4 step 8 the last usage counts, for the client and for the books', () => {
  const usage = (n: number) => `data: {"choices":[],"usage":{"prompt_tokens":${n},"completion_tokens":${n + 2}}}\n\n`;
  const stream = SHORT + usage(0) + FINISH + usage(3) + DONE;
  assert.equal(answered(stream).text, A + last(LAST));
  const counting = pipe();
  feed(counting, [Buffer.from(stream)]);
  assert.deepEqual(counting.usage, { promptTokens: 3, completionTokens: 5 });
});

test('tokens are final when the answer said why it stopped; of the prompt they are known before', () => {
  const told = (...records: string[]) => {
    const pipe_ = pipe();
    pipe_.push(Buffer.from(records.join('')));
    return [pipe_.pieces, pipe_.promptTokens, pipe_.usage?.completionTokens];
  };
  const counted = (n: number, more = '') =>
    `data: {"choices":[{"delta":{"content":"a"}${more}}],"usage":{"prompt_tokens":${n},"completion_tokens":${n}}}\n\n`;
  assert.deepEqual(told(SHORT), [1, undefined, undefined]);
  assert.deepEqual(told(counted(0, ',"finish_reason":"stop"')), [1, undefined, undefined], 'zeros are no counts');
  assert.deepEqual(told(counted(3)), [1, 3, undefined]);
  assert.deepEqual(told(counted(3), counted(4, ',"finish_reason":"stop"')), [2, 4, 4]);
  assert.deepEqual(told(counted(3), DONE), [1, 3, 3]);
  const broken = pipe();
  broken.push(Buffer.from(counted(3)));
  broken.fail('lost');
  assert.deepEqual([broken.pieces, broken.promptTokens, broken.usage], [1, 3, undefined]);
});

test('a record is one piece where it says anything, a whole answer none', () => {
  const delta = (said: string) => `data: {"choices":[{"delta":{${said}}}]}\n\n`;
  for (const [said, pieces] of [
    ['"role":"assistant","content":""', 0],
    ['"reasoning":"a","content":"b"', 1],
    ['"tool_calls":[{"function":{"name":"f","arguments":""}},{"index":1,"function":{"name":"g"}}]', 1],
    ['"tool_calls":[{"function":{"arguments":""}}]', 0],
  ] as const) {
    const one = pipe();
    one.push(Buffer.from(delta(said)));
    assert.equal(one.pieces, pieces, said);
  }
  const one = pipe('chat', false, 'application/json');
  one.push(
    Buffer.from(
      '{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3},"timings":{"prompt_ms":1,"predicted_ms":2}}',
    ),
  );
  one.end();
  assert.deepEqual(
    [one.pieces, one.usage, one.timings],
    [0, { promptTokens: 3, completionTokens: 0 }, { promptMs: 1, completionMs: 2 }],
  );
});

test("4.4 llama-server's timings are durations in whole nanoseconds, and counts where there is no usage", () => {
  const timings = '"timings":{"prompt_n":2,"cache_n":1,"prompt_ms":12.3456789,"predicted_n":5,"predicted_ms":0.1}';
  const stream = `${SHORT}data: {"choices":[{"delta":{},"finish_reason":"length"}],${timings}}\n\n${DONE}`;
  const durations =
    '"total_duration":1,"prompt_eval_count":3,"prompt_eval_duration":12345679,"eval_count":5,"eval_duration":100000';
  assert.equal(answered(stream).text, A + last(`"done":true,"done_reason":"length",${durations}`));
});

test('4.7 generate, completions and infill', () => {
  const ga = '{"response":"a","done":false}\n';
  const gLast = `{"response":"",${UNCOUNTED}}\n`;
  const completion = 'data: {"object":"text_completion","choices":[{"text":"a","finish_reason":null}]}\n\n';
  const infill = 'data: {"content":"a","stop":false}\n\ndata: {"content":"","stop":true,"stop_type":"eos"}\n\n';
  assert.equal(answered(SHORT + FINISH + DONE, 'end', 'generate').text, ga + gLast);
  assert.equal(answered(completion + DONE, 'end', 'generate').text, ga + gLast);
  assert.equal(answered(infill, 'end', 'generate').text, ga + gLast);
  assert.equal(whole('{"content":"a","stop":true}', false, 'generate').text, `{"response":"a",${UNCOUNTED}}`);
});

test('4.4 a whole answer is one object, or lines where the client wants a stream', () => {
  const body =
    '{"choices":[{"message":{"content":"é","reasoning":"t"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":5}}';
  const said = '"content":"é","thinking":"t"';
  assert.equal(whole(body, false).text, bytesOf(`{"message":{"role":"assistant",${said}},${LAST}}`));
  assert.equal(whole(body, true).text, bytesOf(line(said) + last(LAST)));
});

test('4.4 a whole answer need not say why it stopped, but must say something', () => {
  assert.match(
    whole('{"choices":[{"message":{"content":"a"},"finish_reason":null}]}', false).text,
    /"done_reason":"stop"/,
  );
  for (const body of ['{}', '{"choices":[]}', ' ', 'nonsense', '<html>'])
    assert.ok(whole(body, false).error instanceof EndpointFailure, body);
});

test('4.4 a whole answer that is an error is a refusal with its status', () => {
  const { error } = whole('{"error":{"code":400,"message":"no"}}', false);
  assert.ok(error instanceof Refusal && error.status === 400 && error.message === 'no');
});

test('4.4 a stream for a client that wants one object is gathered', () => {
  const { text } = feedEveryWay(() => pipe('chat', false), SHORT + SHORT + FINISH + DONE, 'end', mask);
  assert.equal(text, `{"message":{"role":"assistant","content":"aa"},${UNCOUNTED}}`);
  const failing = feedEveryWay(() => pipe('chat', false), `${SHORT}data: {"error":{"message":"no","code":503}}\n\n`);
  assert.ok(failing.error instanceof Refusal && failing.error.status === 503, 'nothing was sent yet');
});

test('a whole answer that grows without end is refused', () => {
  const endless = pipe('chat', false, 'application/json');
  const piece = Buffer.alloc(1 << 20, 0x20);
  assert.throws(() => {
    for (let i = 0; i < 100; i++) endless.push(piece);
  }, EndpointFailure);
});
