import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Registry } from '../../../src/telemetry/metrics/registry.ts';
import { parsed, valuesOf } from './parsed.ts';

const FORMATS = ['text', 'openmetrics'] as const;

function example(): Registry {
  const registry = new Registry();
  const total = registry.counter('things_total', 'Things.', ['kind']);
  total.add(['a']);
  total.add(['b'], 2.5);
  registry.value('room_bytes', 'Room.', () => 1e21);
  registry.histogram('wait_seconds', 'Wait.', ['who'], [0.5, 1]).observe(['x'], 1);
  registry.quantiles('lag_seconds', 'Lag.', () => [[['0.5'], 0.25]]);
  return registry;
}

test('the text format 0.0.4 is written to the letter', () => {
  assert.equal(
    example().text('text'),
    `# HELP things_total Things.
# TYPE things_total counter
things_total{kind="a"} 1
things_total{kind="b"} 2.5
# HELP room_bytes Room.
# TYPE room_bytes gauge
room_bytes 1e+21
# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
wait_seconds_bucket{who="x",le="0.5"} 0
wait_seconds_bucket{who="x",le="1"} 1
wait_seconds_bucket{who="x",le="+Inf"} 1
wait_seconds_sum{who="x"} 1
wait_seconds_count{who="x"} 1
# HELP lag_seconds Lag.
# TYPE lag_seconds summary
lag_seconds{quantile="0.5"} 0.25
`,
  );
});

test('OpenMetrics names counters without _total, tells units, writes bounds as floats and ends with EOF', () => {
  assert.equal(
    example().text('openmetrics'),
    `# HELP things Things.
# TYPE things counter
things_total{kind="a"} 1
things_total{kind="b"} 2.5
# HELP room_bytes Room.
# TYPE room_bytes gauge
# UNIT room_bytes bytes
room_bytes 1e+21
# HELP wait_seconds Wait.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{who="x",le="0.5"} 0
wait_seconds_bucket{who="x",le="1.0"} 1
wait_seconds_bucket{who="x",le="+Inf"} 1
wait_seconds_sum{who="x"} 1
wait_seconds_count{who="x"} 1
# HELP lag_seconds Lag.
# TYPE lag_seconds summary
# UNIT lag_seconds seconds
lag_seconds{quantile="0.5"} 0.25
# EOF
`,
  );
});

describe('labels', () => {
  const unit = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 1 }),
    fc.constantFrom('\\', '"', '\n', 'n', '\0', '\ud800', '\r', '}'),
  );
  const given = fc.uniqueArray(fc.string({ unit, maxLength: 20 }), { maxLength: 20 });

  test('any value comes back as it was, but for NUL and halves of characters', () => {
    fc.assert(
      fc.property(given, fc.constantFrom(...FORMATS), (values, format) => {
        const registry = new Registry();
        const total = registry.counter('things_total', 'Things.', ['kind']);
        for (const value of values) total.add([value]);
        const expected = new Set(values.map((value) => value.toWellFormed().replaceAll('\0', '\ufffd')));
        const found = valuesOf(parsed(registry.text(format), format), 'things_total', 'kind');
        assert.deepEqual(new Set(Object.keys(found)), expected);
      }),
    );
  });

  test('what looks the same once written is one series, of a counter and of a gauge', () => {
    const registry = new Registry();
    const total = registry.counter('things_total', 'Things.', ['kind']);
    for (const value of ['a\0', 'a\ufffd', 'a\ud800']) total.add([value]);
    registry.gauge('rooms', 'Rooms.', ['kind'], () => [
      [['a\0'], 1],
      [['a\ufffd'], 2],
    ]);
    const families = parsed(registry.text('text'), 'text');
    assert.deepEqual(valuesOf(families, 'things_total', 'kind'), { 'a\ufffd': 3 });
    assert.deepEqual(valuesOf(families, 'rooms', 'kind'), { 'a\ufffd': 2 });
  });

  test('values are told apart label by label, not by what they make together', () => {
    const registry = new Registry();
    const total = registry.counter('things_total', 'Things.', ['a', 'b']);
    total.add(['x', 'yz']);
    total.add(['xy', 'z']);
    assert.deepEqual(valuesOf(parsed(registry.text('text'), 'text'), 'things_total', 'a', 'b'), {
      'x yz': 1,
      'xy z': 1,
    });
  });

  test('a long value is cut', () => {
    const registry = new Registry();
    registry.counter('things_total', 'Things.', ['kind']).add(['x'.repeat(1_000_000)]);
    assert.ok(registry.text('text').length < 1_000);
  });
});

test('a histogram is cumulative, ends at its count, and sums up what it saw, whatever it is given', () => {
  const bounds = fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { maxLength: 12 });
  const values = fc.array(fc.oneof(fc.integer({ min: 0, max: 60 }), fc.double({ min: 0, max: 60, noNaN: true })));
  fc.assert(
    fc.property(bounds, values, fc.constantFrom(...FORMATS), (unordered, given, format) => {
      const ends = unordered.toSorted((a, b) => a - b);
      const registry = new Registry();
      const histogram = registry.histogram('wait_seconds', 'Wait.', ['who'], ends);
      for (const value of given) histogram.observe(['x'], value);
      const families = parsed(registry.text(format), format);
      if (given.length === 0) return;
      const buckets = Object.values(valuesOf(families, 'wait_seconds_bucket', 'le'));
      const below = [...ends, Number.POSITIVE_INFINITY].map((end) => given.filter((value) => value <= end).length);
      assert.deepEqual(
        buckets.toSorted((a, b) => a - b),
        below,
      );
      const sum = given.reduce((all, value) => all + value, 0);
      assert.deepEqual(valuesOf(families, 'wait_seconds_sum', 'who'), { x: sum });
    }),
  );
});

test('a value on a bound is in its bucket', () => {
  const registry = new Registry();
  registry.histogram('wait_seconds', 'Wait.', [], [1, 2]).observe([], 1);
  const buckets = valuesOf(parsed(registry.text('text'), 'text'), 'wait_seconds_bucket', 'le');
  assert.deepEqual(buckets, { '1': 1, '2': 1, '+Inf': 1 });
});

test('what is no measure is passed over: negative, not a number, infinite', () => {
  const registry = new Registry();
  const total = registry.counter('things_total', 'Things.', []);
  const wait = registry.histogram('wait_seconds', 'Wait.', [], [1]);
  for (const odd of [-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    total.add([], odd);
    wait.observe([], odd);
  }
  const families = parsed(registry.text('text'), 'text');
  assert.deepEqual(
    [...families.values()].flatMap(({ samples }) => samples),
    [],
  );
});

test('a value that cannot be had now is left out', () => {
  const registry = new Registry();
  registry.value('room', 'Room.', () => undefined);
  assert.deepEqual(parsed(registry.text('text'), 'text').get('room')?.samples, []);
});
