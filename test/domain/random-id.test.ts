import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomId } from '../../src/domain/random-id.ts';

test('an id has its prefix and 24 lower-case letters and digits, and no other has the same', () => {
  const ids = Array.from({ length: 1_000 }, () => randomId('call_'));
  for (const id of ids) assert.match(id, /^call_[a-z0-9]{24}$/);
  assert.equal(new Set(ids).size, ids.length);
});
