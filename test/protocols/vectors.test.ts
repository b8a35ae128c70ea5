import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonValue } from '../../src/domain/json.ts';
import { EndpointFailure } from '../../src/errors.ts';
import { checkCount, packVector, readVector, shorten, vectorText } from '../../src/protocols/vectors.ts';

const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const float = fc.float({ noNaN: true, noDefaultInfinity: true });

test('2.4 base64 is 32-bit floats, little-endian', () => {
  assert.equal(packVector([1, -2]), 'AACAPwAAAMA=');
  assert.deepEqual(readVector('AACAPwAAAMA='), [1, -2]);
});

test('32-bit floats survive being packed and read', () => {
  fc.assert(
    fc.property(fc.array(float, { minLength: 1 }), (vector) => {
      assert.deepEqual(readVector(packVector(vector)), vector);
    }),
  );
});

test('the text of a vector is JSON of the same numbers', () => {
  fc.assert(
    fc.property(fc.array(double, { minLength: 1 }), (vector) => {
      const read: number[] = JSON.parse(vectorText(vector));
      // JSON.stringify, too, writes a negative zero as 0.
      assert.deepEqual(read, JSON.parse(JSON.stringify(vector)));
    }),
  );
});

const NONE: readonly (JsonValue | undefined)[] = [
  ...[undefined, null, true, 1, {}, [], '', 'AAA=', 'AACAPwAA', '!', 'AACAfw==', 'AADAfw=='],
  ...[[null], ['1'], [1, null], [[1]], JSON.parse('[1e999]')],
];
for (const value of NONE) {
  test(`4.8 ${JSON.stringify(value)} is no vector of finite numbers`, () => {
    assert.throws(() => readVector(value), isInvalid);
  });
}

test('4.8 a number that is none as a 32-bit float is an error, never 0 or infinite', () => {
  assert.throws(() => packVector([0, 1e39]), isInvalid);
  assert.equal(packVector([3.4028234e38]).length, 8);
});

test('4.8 a vector is cut and has the length 1 then; a shorter one stays as it is', () => {
  assert.deepEqual(shorten([3, 4, 5], 2), [0.6, 0.8]);
  assert.deepEqual(shorten([0, 0, 5], 2), [0, 0]);
  const vector = [3, 4];
  for (const dimensions of [undefined, 2, 3]) assert.equal(shorten(vector, dimensions), vector);
});

test('4.8 another number of vectors than of texts is a failure', () => {
  checkCount(2, 2);
  assert.throws(() => checkCount(1, 2), isInvalid);
});

function isInvalid(error: unknown): boolean {
  return error instanceof EndpointFailure && error.reason === 'invalid';
}
