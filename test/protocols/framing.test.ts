import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EndpointFailure } from '../../src/errors.ts';
import { framingOf, isDone } from '../../src/protocols/framing.ts';
import { everyCut } from './feeding.ts';

const SSE = 'text/event-stream';
const LINES = 'application/x-ndjson';

/** The records of a stream, however its bytes come: one buffer, overwritten after every read. */
function recordsOf(contentType: string, text: string): string[] {
  let first: string[] | undefined;
  for (const reads of everyCut(Buffer.from(text))) {
    const framing = framingOf(contentType);
    assert.ok(framing);
    const records: string[] = [];
    const shared = Buffer.alloc(Buffer.byteLength(text));
    for (const read of reads) {
      read.copy(shared);
      records.push(...framing.push(shared.subarray(0, read.length)));
      shared.fill('x');
    }
    records.push(...framing.rest());
    first ??= records;
    assert.deepEqual(records, first, `cut after ${reads[0]?.length} bytes`);
  }
  return first ?? [];
}

test('the content type says how a stream is cut, and that an answer is none', () => {
  for (const type of [SSE, `${SSE}; charset=utf-8`, LINES, `${LINES}; charset=utf-8`]) assert.ok(framingOf(type), type);
  for (const type of ['application/json', '', 'text/plain', 'application/json; x=text/event-stream'])
    assert.equal(framingOf(type), undefined, type);
});

describe('the records are the same however the bytes come', () => {
  for (const [name, type, text, records] of [
    ['lines', LINES, '{"a":"ü😀"}\n{"b":1}\n', ['{"a":"ü😀"}', '{"b":1}']],
    ['lines of another system, and empty ones', LINES, '{"a":1}\r\n\r\n \n\n{"b":2}\r\n', ['{"a":1}\r', '{"b":2}\r']],
    ['a last line without its end', LINES, '{"a":1}\n{"b":"ü"}', ['{"a":1}', '{"b":"ü"}']],
    ['a last line that was cut', LINES, '{"a":1}\n{"b":', ['{"a":1}']],
    ['nothing', LINES, '', []],
    ['events', SSE, 'data: {"a":"ü😀"}\n\ndata: {"b":1}\n\ndata: [DONE]\n\n', ['{"a":"ü😀"}', '{"b":1}', '[DONE]']],
    ['comments and names', SSE, ': hi\n\nevent: x\ndata: {"a":1}\nid: 7\n\n:\n\n', ['{"a":1}']],
    ['events of several lines', SSE, 'data: {"a":\ndata: 1}\n\n', ['{"a":\n1}']],
    ['events with other line ends', SSE, 'data: {"a":1}\r\n\r\ndata:{"b":2}\r\n\r\n', ['{"a":1}', '{"b":2}']],
    ['a last event without its end', SSE, 'data: {"a":1}\n\ndata: {"b":2}', ['{"a":1}', '{"b":2}']],
    ['a last event with half of its end', SSE, 'data: {"a":1}\n\ndata: [DONE]\n', ['{"a":1}', '[DONE]']],
    ['a last event that was cut', SSE, 'data: {"a":1}\n\ndata: {"b"', ['{"a":1}']],
    ['no event', SSE, ': hi', []],
  ] as const) {
    test(name, () => assert.deepEqual(recordsOf(type, text), records));
  }
});

test('a line without end is not held without end', () => {
  const framing = framingOf(LINES);
  const piece = Buffer.alloc(1024 * 1024, 'x');
  assert.throws(
    () => {
      for (let i = 0; i < 9; i++) framing?.push(piece);
    },
    (error) => error instanceof EndpointFailure && error.reason === 'invalid',
  );
});

test('the mark at the end is known by its beginning', () => {
  assert.deepEqual(['[DONE]', '[DONE] ', '{"a":"[DONE]"}', ''].map(isDone), [true, true, false, false]);
});
