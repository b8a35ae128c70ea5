import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTimings, readUsage } from '../../../src/protocols/openai/usage.ts';

test('4.4 tokens are those of usage, else those of timings with the cached ones', () => {
  const timings = { prompt_n: 2, cache_n: 3, predicted_n: 4 };
  const usage = { prompt_tokens: 7, completion_tokens: 8, total_tokens: 15 };
  assert.deepEqual(readUsage({ usage, timings }), { promptTokens: 7, completionTokens: 8 });
  assert.deepEqual(readUsage({ usage: null, timings }), { promptTokens: 5, completionTokens: 4 });
  assert.deepEqual(readUsage({ timings: { prompt_n: 2 } }), { promptTokens: 2, completionTokens: 0 });
  assert.deepEqual(readUsage({ usage: { prompt_tokens: 7 } }), { promptTokens: 7, completionTokens: 0 });
  assert.equal(readUsage({ usage: 5 }), undefined);
});

test('4.4 times are read where both are there', () => {
  assert.deepEqual(readTimings({ timings: { prompt_ms: 1.5, predicted_ms: 0 } }), { promptMs: 1.5, completionMs: 0 });
  assert.equal(readTimings({ timings: { prompt_ms: 1.5 } }), undefined);
  assert.equal(readTimings({ timings: { predicted_ms: 1.5 } }), undefined);
  assert.equal(readTimings({}), undefined);
});
