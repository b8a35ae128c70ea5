import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlotPool } from '../../src/simulator/slots.ts';
import { Gone } from '../../src/simulator/wait.ts';

const stays = new AbortController().signal;
const quiet = () => undefined;

test('who finds no free slot gets one in order of arrival', async () => {
  const pool = new SlotPool(1, quiet);
  const order: string[] = [];
  const first = await pool.take('', stays);
  const second = pool.take('', stays).then((lease) => {
    order.push('second');
    lease[Symbol.dispose]();
  });
  const third = pool.take('', stays).then((lease) => {
    order.push('third');
    lease[Symbol.dispose]();
  });
  assert.deepEqual([pool.busy, pool.waiting], [1, 2]);
  first[Symbol.dispose]();
  await Promise.all([second, third]);
  assert.deepEqual([order, pool.busy, pool.waiting], [['second', 'third'], 0, 0]);
});

test('who leaves while waiting takes no slot', async () => {
  const pool = new SlotPool(1, quiet);
  const first = await pool.take('', stays);
  const leaver = new AbortController();
  const waiting = pool.take('', leaver.signal);
  leaver.abort();
  await assert.rejects(waiting, Gone);
  first[Symbol.dispose]();
  assert.deepEqual([pool.busy, pool.waiting], [0, 0]);
});

test('a prompt gets the free slot that knows most of it', async () => {
  const pool = new SlotPool(2, quiet);
  const [one, two] = pool.slots;
  assert.ok(one !== undefined && two !== undefined);
  one.text = 'user: good morning';
  two.text = 'user: good night';
  using lease = await pool.take('user: good night and', stays);
  assert.equal(lease.slot.id, two.id);
});
