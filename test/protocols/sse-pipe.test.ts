import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure } from '../../src/errors.ts';
import { CHOICES } from '../../src/protocols/openai/stream-dialect.ts';
import { renaming } from '../../src/protocols/rename.ts';
import { SsePipe } from '../../src/protocols/sse-pipe.ts';
import { bytesOf, feed, feedEveryWay } from './feeding.ts';
import { DONE, ODD_SSE, RECORDS, sse, TOOL_RECORDS } from './streams.ts';

const verbatim = () => new SsePipe(CHOICES, {});
const hiding = () => new SsePipe(CHOICES, { hideUsage: true });
const renamed = () => new SsePipe(CHOICES, { edit: renaming({ client: 'Mine "é"', upstream: 'up' }) });
const error = (message: string) =>
  `data: {"error":{"message":"${message}","type":"server_error","param":null,"code":"upstream_lost"}}\n\n`;
const EARLY = error('the endpoint ended the answer early');
const LOST = error('the answer broke off: lost');
const USAGE = `data: ${RECORDS.at(-1)}\n\n`;
const TEXT = 'data: {"choices":[{"index":0,"delta":{"content":"é"}}]}\n\n';
const FINISH = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n';

for (const [name, stream] of [
  ['LF', sse(RECORDS) + DONE],
  ['CRLF', sse(RECORDS, '\r\n') + DONE.replaceAll('\n', '\r\n')],
  ['CR', sse(RECORDS, '\r') + DONE.replaceAll('\n', '\r')],
  ['tool calls', sse(TOOL_RECORDS) + DONE],
  ['odd forms', ODD_SSE],
] as const) {
  test(`a stream (${name}) comes out as it went in, whatever the cuts`, () => {
    for (const ending of ['end', 'break'] as const)
      assert.deepEqual(feedEveryWay(verbatim, stream, ending), { text: bytesOf(stream), error: undefined });
  });
}

test('bytes that are not UTF-8 pass as they are, beside an edit too', () => {
  const bad = (model: string) =>
    Buffer.from(
      `data: {"model":"${model}","choices":[{"delta":{"content":"\xff\xfe\xa0"},"finish_reason":"stop"}]}\n\n`,
      'latin1',
    );
  assert.equal(feedEveryWay(verbatim, bad('up')).text, bad('up').toString('latin1'));
  const rename = () => new SsePipe(CHOICES, { edit: renaming({ client: 'mine', upstream: 'up' }) });
  assert.equal(feedEveryWay(rename, bad('up')).text, bad('mine').toString('latin1'));
});

test('2.2 usage that only the router asked for is taken out: the null ones cut, the last record dropped', () => {
  const stream = sse(RECORDS) + DONE;
  const expected = stream.replace(USAGE, '').replace(',"usage":null', '');
  assert.equal(feedEveryWay(hiding, stream).text, bytesOf(expected));
  const crlf = (text: string) => text.replaceAll('\n', '\r\n');
  assert.equal(feedEveryWay(hiding, crlf(stream)).text, bytesOf(crlf(expected)));
});

test('2.3 usage in a record with choices is cut out of it wherever it stands', () => {
  const record = (usage: string, more: string) =>
    `data: {${usage}"choices":[{"text":"a","x":1.0,"finish_reason":"stop"}]${more}}\n\n`;
  const zero = '{"prompt_tokens":0,"completion_tokens":0}';
  for (const given of [
    record(`"usage":${zero},`, ''),
    record('', `,"usage":${zero}`),
    record(`"usage" : null , `, `,"usage":${zero}`),
  ])
    assert.equal(feedEveryWay(hiding, given + DONE).text, record('', '') + DONE);
});

test('usage is cut out of an event of several data lines as well', () => {
  const given = 'id: 1\ndata: {"choices":[{"finish_reason":"stop"}],\ndata: "usage":null}\n\n';
  assert.equal(
    feedEveryWay(hiding, given + DONE).text,
    `id: 1\ndata: {"choices":[{"finish_reason":"stop"}]}\n\n${DONE}`,
  );
});

test('usage is counted, hidden or not, from the last record that has it', () => {
  for (const pipe of [verbatim(), hiding()]) {
    feed(pipe, [Buffer.from(sse(RECORDS) + DONE)]);
    assert.deepEqual(pipe.usage, { promptTokens: 3, completionTokens: 5 });
  }
  const timed = verbatim();
  feed(timed, [Buffer.from(`data: {"choices":[],"timings":{"prompt_n":1,"cache_n":2,"predicted_n":4}}\n\n${DONE}`)]);
  assert.deepEqual(timed.usage, { promptTokens: 3, completionTokens: 4 });
});

test('counts on the way are not final in a stream that failed, whatever ends it', () => {
  const counted = `data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n`;
  for (const [rest, expected] of [
    ['', undefined],
    [DONE, 1],
    [`data: {"error":{"message":"boom"}}\n\n${DONE}`, undefined],
  ] as const) {
    const pipe = verbatim();
    pipe.push(Buffer.from(counted + rest));
    assert.deepEqual([pipe.pieces, pipe.promptTokens, pipe.usage?.completionTokens], [1, 3, expected]);
  }
});

test('text that speaks of usage and errors is text', () => {
  const stream = `data: {"choices":[{"delta":{"content":"\\"usage\\":1 \\"error\\" data: [DONE]"}}]}\n\n${FINISH}${DONE}`;
  assert.equal(feedEveryWay(hiding, stream).text, stream);
});

test('2.11 behind an error no [DONE] passes, and no second error is added', () => {
  const stream = `${TEXT}data: {"error":{"message":"boom"}}\n\n`;
  for (const ending of ['end', 'break'] as const)
    assert.equal(feedEveryWay(verbatim, stream + DONE, ending).text, bytesOf(stream));
});

test('2.1 a stream that ends without a reason or [DONE] gets an error, a complete one nothing', () => {
  assert.equal(feedEveryWay(verbatim, TEXT).text, bytesOf(TEXT) + EARLY);
  assert.equal(feedEveryWay(verbatim, TEXT + FINISH).text, bytesOf(TEXT + FINISH));
  assert.equal(feedEveryWay(verbatim, TEXT + DONE).text, bytesOf(TEXT + DONE));
  assert.equal(feedEveryWay(verbatim, TEXT + FINISH.trimEnd()).text, bytesOf(TEXT + FINISH));
  assert.equal(feedEveryWay(verbatim, `${TEXT}data: [DONE]`).text, bytesOf(TEXT + DONE));
});

test("2.2 the empty record that Ollama makes of an error is no answer's end", () => {
  const swallowed =
    'data: {"id":"chatcmpl-1","model":"","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n';
  assert.equal(feedEveryWay(verbatim, TEXT + swallowed).text, bytesOf(TEXT + swallowed) + EARLY);
  assert.equal(feedEveryWay(renamed, TEXT + swallowed).text, bytesOf(TEXT + swallowed) + EARLY);
});

test('a connection that breaks adds an error, and nothing once the answer is complete', () => {
  assert.equal(feedEveryWay(verbatim, TEXT, 'break').text, bytesOf(TEXT) + LOST);
  assert.equal(feedEveryWay(verbatim, TEXT + FINISH, 'break').text, bytesOf(TEXT + FINISH));
});

test('half an event never reaches the client', () => {
  for (const half of ['data: {"choices":[{"del', FINISH.slice(0, -5), ': pi', 'da']) {
    assert.equal(feedEveryWay(verbatim, TEXT + half).text, bytesOf(TEXT) + EARLY);
    assert.equal(feedEveryWay(verbatim, TEXT + half, 'break').text, bytesOf(TEXT) + LOST);
    assert.equal(feedEveryWay(verbatim, TEXT + FINISH + half).text, bytesOf(TEXT + FINISH));
  }
});

test('a stream of nothing is a failure, so that another endpoint may answer', () => {
  for (const stream of ['', 'data: {"half'])
    assert.ok(feed(verbatim(), [Buffer.from(stream)]).error instanceof EndpointFailure);
});

test('1.3 each record has the name that the client wrote, and every other byte as it was', () => {
  const stream = sse(RECORDS) + DONE;
  assert.equal(
    feedEveryWay(renamed, stream).text,
    bytesOf(stream.replaceAll('"model":"up"', '"model":"Mine \\"é\\""')),
  );
});

test('a record that is no JSON passes as it is', () => {
  const odd = 'data: hello "usage"\n\nevent: ping\ndata: {"usage":\n\n';
  assert.equal(feedEveryWay(hiding, odd + DONE).text, odd + DONE);
  assert.equal(feedEveryWay(renamed, odd + DONE).text, odd + DONE);
});

test('a record nested too deeply to be edited passes as it is', () => {
  const deep = `data: {"usage":null,"model":"up","x":${'['.repeat(2_000)}${']'.repeat(2_000)}}\n\n`;
  for (const pipe of [hiding(), renamed()]) assert.equal(feed(pipe, [Buffer.from(deep + DONE)]).text, deep + DONE);
});

test('an event that never ends is refused, not held for ever', () => {
  const pipe = verbatim();
  assert.throws(() => {
    for (let i = 0; i < 20; i++) pipe.push(Buffer.alloc(1 << 20, 0x61));
  }, EndpointFailure);
});
