import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readTraceParent, writeTraceParent } from '../../../src/telemetry/otlp/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

describe('the traceparent of a client', () => {
  test('is read with its wish to be sampled', () => {
    assert.deepEqual(readTraceParent(`00-${TRACE}-${SPAN}-01`), { traceId: TRACE, spanId: SPAN, sampled: true });
    assert.equal(readTraceParent(`00-${TRACE}-${SPAN}-00`)?.sampled, false);
    assert.equal(readTraceParent(`00-${TRACE}-${SPAN}-02`)?.sampled, false);
    assert.equal(readTraceParent(`00-${TRACE}-${SPAN}-ff`)?.sampled, true);
    assert.equal(readTraceParent(` 00-${TRACE}-${SPAN}-01 `)?.spanId, SPAN);
  });

  test('of a later version is read as far as this one goes', () => {
    assert.equal(readTraceParent(`cc-${TRACE}-${SPAN}-01-what-will-be`)?.traceId, TRACE);
    assert.equal(readTraceParent(`01-${TRACE}-${SPAN}-01`)?.traceId, TRACE);
    assert.equal(readTraceParent(`01-${TRACE}-${SPAN}-01.more`), undefined);
  });

  for (const header of [
    undefined,
    '',
    'x',
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}1-${SPAN}-01`,
    `0-${TRACE}-${SPAN}-01`,
  ])
    test(`${header} is ignored`, () => assert.equal(readTraceParent(header), undefined));

  test('goes on in the form of version 00', () => {
    const header = `00-${TRACE}-${SPAN}-01`;
    assert.equal(writeTraceParent({ traceId: TRACE, spanId: SPAN, sampled: true }), header);
    assert.match(writeTraceParent({ traceId: TRACE, spanId: SPAN, sampled: false }), /-00$/);
  });
});
