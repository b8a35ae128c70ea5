import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { WriteBatch } from '../../src/upstream/write-batch.ts';

test('writes are made together at the end of the turn, in their order', async () => {
  const batch = new WriteBatch();
  const made: string[] = [];
  batch.add(() => made.push('a'));
  batch.add(() => made.push('b'));
  await Promise.resolve();
  assert.deepEqual(made, []);
  await turn();
  assert.deepEqual(made, ['a', 'b']);
});

test('what a write adds waits for the next turn', async () => {
  const batch = new WriteBatch();
  const made: string[] = [];
  batch.add(() => {
    made.push('a');
    batch.add(() => made.push('b'));
  });
  await turn();
  assert.deepEqual(made, ['a']);
  await turn();
  assert.deepEqual(made, ['a', 'b']);
});
