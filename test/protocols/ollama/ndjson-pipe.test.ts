import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure } from '../../../src/errors.ts';
import { NdjsonPipe } from '../../../src/protocols/ollama/ndjson-pipe.ts';
import { bytesOf, feed, feedEveryWay } from '../feeding.ts';

const LINE = '{"model":"m","message":{"role":"assistant","content":"Grüße 😀"},"x":1.0,"done":false}\n';
const LAST = '{"model":"m","done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":5}\n';
const EARLY = '{"error":"the endpoint ended the answer early"}\n';

const plain = () => new NdjsonPipe(undefined);
const answered = (stream: string, ending: 'end' | 'break' = 'end') => feedEveryWay(plain, stream, ending);

test('a complete stream comes out as it went in, whatever the cuts', () => {
  for (const stream of [
    LINE + LINE + LAST,
    LAST,
    `{"status":"pulling"}\n{"status":"success"}\n`,
    `${LINE}{"error":"boom"}\n`,
    LINE.replace('\n', '\r\n') + LAST.replace('\n', '\r\n'),
  ])
    for (const ending of ['end', 'break'] as const)
      assert.deepEqual(answered(stream, ending), { text: bytesOf(stream), error: undefined });
});

test('bytes that are not UTF-8 pass as they are', () => {
  const bytes = Buffer.from(`{"response":"\xff\xfe"}\n{"done":true}\n`, 'latin1');
  assert.equal(feedEveryWay(plain, bytes).text, bytes.toString('latin1'));
  const renaming = () => new NdjsonPipe((lines) => lines);
  assert.equal(feedEveryWay(renaming, bytes).text, bytes.toString('latin1'));
});

test('a last line without its line feed counts', () => {
  assert.equal(answered(LINE + LAST.trimEnd()).text, bytesOf(LINE + LAST.trimEnd()));
});

test('blank lines at the end do not make a complete answer incomplete', () => {
  assert.equal(answered(`${LINE}${LAST}\n\r\n`).text, bytesOf(`${LINE}${LAST}\n\r\n`));
});

test('1.1 a stream that ends without done, success or error gets an error line', () => {
  assert.equal(answered(LINE).text, bytesOf(LINE) + EARLY);
  assert.equal(answered(LINE.trimEnd()).text, bytesOf(`${LINE}`) + EARLY, 'on a line of its own');
  assert.equal(
    answered('{"done":false}\n{"status":"pulling"}\n').text,
    `{"done":false}\n{"status":"pulling"}\n${EARLY}`,
  );
});

test('half a line never reaches the client', () => {
  for (const half of ['{"model":"m","mess', LAST.slice(0, -3)]) {
    assert.equal(answered(LINE + half).text, bytesOf(LINE) + EARLY);
    assert.equal(answered(LINE + half, 'break').text, `${bytesOf(LINE)}{"error":"the answer broke off: lost"}\n`);
    assert.equal(answered(LAST + half, 'break').text, bytesOf(LAST), 'and a complete answer stays complete');
  }
  const pieces: string[] = [];
  const pipe = plain();
  for (const byte of Buffer.from(LINE + LAST)) pieces.push(pipe.push(Buffer.from([byte])).toString());
  assert.deepEqual(
    pieces.filter((piece) => piece !== ''),
    [LINE, LAST],
  );
});

test('a stream of nothing is a failure, so that another endpoint may answer', () => {
  assert.throws(() => plain().end(), EndpointFailure);
  assert.ok(answered('{"half').error instanceof EndpointFailure);
});

test('the tokens are those of the last line, however the answer ends', () => {
  for (const ending of ['end', 'break'] as const) {
    const pipe = plain();
    feed(pipe, [Buffer.from(LINE + LAST)], ending);
    assert.deepEqual(pipe.usage, { promptTokens: 3, completionTokens: 5 });
  }
  const uncounted = plain();
  feed(uncounted, [Buffer.from(LINE)]);
  assert.equal(uncounted.usage, undefined);
});

test('tokens and times are known as soon as the last line has come', () => {
  const pipe = plain();
  pipe.push(Buffer.from(LINE));
  assert.deepEqual([pipe.usage, pipe.timings], [undefined, undefined]);
  pipe.push(Buffer.from(LAST.replace('"done":true', '"done" : true,"load_duration":3000000')));
  assert.deepEqual(pipe.usage, { promptTokens: 3, completionTokens: 5 });
  assert.deepEqual(pipe.timings, { loadMs: 3, promptMs: 0, completionMs: 0 });
});

test('an answer is over with its last line or an error, not with what a tool or a text says', () => {
  const told =
    '{"message":{"content":"{\\"done\\":true}","tool_calls":[{"function":{"arguments":{"done":true}}}]},"done":false}\n';
  for (const [line, over] of [
    [LINE, false],
    [told, false],
    [LAST, true],
    ['{"error":"boom"}\n', true],
    ['{"status":"success"}\n', false],
  ] as const) {
    const pipe = plain();
    pipe.push(Buffer.from(LINE + line));
    assert.equal(pipe.isOver, over, line);
  }
  assert.equal(answered(told).text, told + EARLY);
});

test('a record that never ends is passed on in pieces, not held for ever', () => {
  const pipe = plain();
  const piece = Buffer.alloc(1 << 20, 0x61);
  let [given, most] = [0, 0];
  for (let i = 1; i <= 40; i++) {
    given += pipe.push(piece).length;
    most = Math.max(most, i * piece.length - given);
  }
  assert.ok(most <= 9_000_000, `${most} bytes were held`);
  assert.ok(given > 0);
  assert.match(pipe.end().toString().slice(-60), /^a*\n\{"error":"the endpoint ended the answer early"\}\n$/);
});

test('a stream goes on behind a record that was too long to be held', () => {
  const long = `{"response":"${'é'.repeat(4_500_000)}"}\n`;
  const bytes = Buffer.from(long + LINE + LAST);
  const reads = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
    bytes.subarray(i * 65_536, (i + 1) * 65_536),
  );
  assert.ok(feed(plain(), reads).text === bytes.toString('latin1'));
  const broken = feed(plain(), reads.slice(0, 130), 'break').text;
  assert.match(broken.slice(-60), /\n\{"error":"the answer broke off: lost"\}\n$/, 'on a line of its own');
});

test('an edit sees whole lines alone', () => {
  const seen: string[] = [];
  const pipe = () =>
    new NdjsonPipe((lines) => {
      seen.push(lines.toString());
      return lines;
    });
  feedEveryWay(pipe, LINE + LAST);
  assert.ok(
    seen.every((lines) => lines.endsWith('}\n')),
    'no half line',
  );
});
