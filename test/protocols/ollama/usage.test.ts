import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUsage } from '../../../src/protocols/ollama/usage.ts';

test('1.4 a count that is missing means zero, and no count at all says nothing', () => {
  assert.deepEqual(readUsage({ prompt_eval_count: 3, eval_count: 5 }), { promptTokens: 3, completionTokens: 5 });
  assert.deepEqual(readUsage({ eval_count: 5 }), { promptTokens: 0, completionTokens: 5 });
  assert.deepEqual(readUsage({ prompt_eval_count: 3 }), { promptTokens: 3, completionTokens: 0 });
  assert.equal(readUsage({ done: true, eval_count: '5' }), undefined);
});
