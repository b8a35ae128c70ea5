import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../../src/usage/ledger.ts';
import { listing } from './stage.ts';

const A = listing('http://a:1', 'm');
const B = listing('http://b:1', 'm');

function counted(promptTokens: number, completionTokens: number, promptEstimated = false) {
  return { promptTokens, completionTokens, promptEstimated, completionEstimated: false };
}

test('tokens are counted by endpoint and model, with history and estimates, and every change is told', () => {
  const ledger = new Ledger();
  ledger.record(A, counted(3, 4));
  ledger.record(A, counted(10, 0, true));
  ledger.record(B, counted(1, 1));
  const before = ledger.changes;
  ledger.addHistory([
    { endpoint: 'http://b:1', model: 'm', inputTokens: 100, outputTokens: 200, estimatedInputTokens: 50 },
  ]);
  assert.ok(before >= 3 && ledger.changes > before);
  assert.deepEqual(ledger.totals(), { 'http://a:1': { m: 17 }, 'http://b:1': { m: 302 } });
  assert.deepEqual(ledger.counts(), [
    { endpoint: 'http://a:1', model: 'm', inputTokens: 13, outputTokens: 4, estimatedInputTokens: 10 },
    { endpoint: 'http://b:1', model: 'm', inputTokens: 101, outputTokens: 201, estimatedInputTokens: 50 },
  ]);
});

test('numbers that no request can have spent do not spoil the sums', () => {
  const ledger = new Ledger();
  for (const senseless of [Number.NaN, -5, 1e300, Number.POSITIVE_INFINITY]) ledger.record(A, counted(senseless, 1));
  assert.deepEqual(ledger.totals(), { 'http://a:1': { m: 4 } });
});

test('what is spent within one second is one spending, until it is taken', () => {
  let now = 5_000_999;
  const ledger = new Ledger(() => now);
  let pending = 0;
  ledger.onPending = () => pending++;
  ledger.record(A, counted(1, 1));
  ledger.record(A, counted(2, 2));
  now += 1;
  ledger.record(A, counted(4, 4));
  assert.equal(pending, 1);
  assert.deepEqual(
    ledger.take(10).map(({ second, inputTokens }) => [second, inputTokens]),
    [
      [5_000, 3],
      [5_001, 4],
    ],
  );
  ledger.record(A, counted(8, 8));
  assert.equal(pending, 2);
  assert.deepEqual(
    ledger.take(10).map(({ second, inputTokens }) => [second, inputTokens]),
    [[5_001, 8]],
  );
  assert.equal(ledger.totals()['http://a:1']?.['m'], 30);
});

test('what cannot be stored stays bounded, loses no token, and keeps its hours as long as it can', () => {
  let now = 1_000_000_000_000;
  const ledger = new Ledger(() => now);
  const models = Array.from({ length: 20 }, (_, i) => listing('http://a:1', `m${i}`));
  for (let i = 0; i < 60_000; i++) {
    now += 60_000;
    for (const model of models.slice(0, 2)) ledger.record(model, counted(1, 1));
    assert.ok(ledger.pending.length <= 10_000);
  }
  for (const model of models) ledger.record(model, counted(1, 1));
  const sum = ledger.pending.reduce((total, { inputTokens, outputTokens }) => total + inputTokens + outputTokens, 0);
  assert.equal(sum, 2 * (2 * 60_000 + 20));
  const first = ledger.take(1)[0];
  assert.ok(first !== undefined && first.second % 3_600 === 0, 'times are put together by the hour at least');
});
