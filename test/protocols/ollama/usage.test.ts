import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTimings, readUsage } from '../../../src/protocols/ollama/usage.ts';

test('1.4 a count that is missing means zero, and no count at all says nothing', () => {
  assert.deepEqual(readUsage({ prompt_eval_count: 3, eval_count: 5 }), { promptTokens: 3, completionTokens: 5 });
  assert.deepEqual(readUsage({ eval_count: 5 }), { promptTokens: 0, completionTokens: 5 });
  assert.deepEqual(readUsage({ prompt_eval_count: 3 }), { promptTokens: 3, completionTokens: 0 });
  assert.equal(readUsage({ done: true, eval_count: '5' }), undefined);
});

test('1.4 times are milliseconds of whole nanoseconds, zero where they are left out beside others', () => {
  const final = { load_duration: 300_000_000, prompt_eval_duration: 1_500_000, eval_duration: 2_000_001 };
  assert.deepEqual(readTimings(final), { loadMs: 300, promptMs: 1.5, completionMs: 2.000001 });
  assert.deepEqual(readTimings({ load_duration: 1_217_133 }), { loadMs: 1.217133, promptMs: 0, completionMs: 0 });
  assert.equal(readTimings({ done: true, eval_count: 5, total_duration: 9 }), undefined);
});
