import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SseReader, splitEvents } from '../../src/protocols/sse.ts';

/** The data of each event, comments left out. */
function dataOf(...reads: readonly Buffer[]): string[] {
  const reader = new SseReader();
  return reads.flatMap((read) => reader.push(read).map((event) => event.data)).filter((data) => data !== '');
}

for (const [text, data] of [
  ['data: a\n\n', ['a']],
  ['data:a\n\ndata:  b\n\n', ['a', ' b']],
  ['data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
  ['data: a\r\rdata: b\r\r', ['a', 'b']],
  ['data: a\ndata: b\n\n', ['a\nb']],
  ['event: x\nid: 1\ndata: a\nretry: 2\n\n', ['a']],
  [': comment\n\n: data: no\n\ndata: a\n\n', ['a']],
  ['data: a\n\n\n\ndata: b\n\n', ['a', 'b']],
  ['dataset: a\n\ndata: b\n\n', ['b']],
  ['data: a\n\ndata: b\n', ['a']],
] as const) {
  test(`2.1 ${JSON.stringify(text)} is ${JSON.stringify(data)}`, () =>
    assert.deepEqual(dataOf(Buffer.from(text)), data));
}

test('the same events come out for any cuts, and all bytes', () => {
  const line = fc.constantFrom('data: é😀', 'data:x', ': c', 'event: e', 'data: {"a":1}');
  const stream = fc
    .tuple(
      fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { minLength: 1 }),
      fc.constantFrom('\n', '\r\n', '\r'),
    )
    .map(([events, end]) => events.map((lines) => lines.map((l) => l + end).join('') + end).join(''));
  fc.assert(
    fc.property(stream, fc.array(fc.nat(200)), (text, cuts) => {
      const bytes = Buffer.from(text);
      const places = [0, ...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
      const reads = places.slice(1).map((at, i) => bytes.subarray(places[i], at));
      assert.deepEqual(dataOf(...reads), dataOf(bytes));
      const reader = new SseReader();
      const raw = reads.flatMap((read) => reader.push(read).map((event) => event.raw)).join('');
      assert.equal(raw, text);
    }),
  );
});

test('no event is lost when a stream is taken apart', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('\n', '\r', 'a', 'data: ') }), (text) => {
      assert.equal(
        splitEvents(text)
          .map((event) => event.raw)
          .join(''),
        text,
      );
    }),
  );
});
