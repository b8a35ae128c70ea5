import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asArray, asNumber, asObject, asString } from '../../src/domain/json.ts';

test('a value is read as what it is and nothing else', () => {
  const values: readonly unknown[] = [null, undefined, true, 1, 'a', ['a'], { a: 1 }];
  assert.deepEqual(values.map(asObject), [...Array(6).fill(undefined), { a: 1 }]);
  assert.deepEqual(values.map(asArray), [[], [], [], [], [], ['a'], []]);
  assert.deepEqual(values.map(asString), [undefined, undefined, undefined, undefined, 'a', undefined, undefined]);
  assert.deepEqual(values.map(asNumber), [undefined, undefined, undefined, 1, undefined, undefined, undefined]);
});
