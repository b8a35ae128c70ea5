import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUsage } from '../../../src/protocols/anthropic/usage.ts';

test('2.8 prompt tokens include the cached ones', () => {
  const usage = {
    input_tokens: 1,
    cache_read_input_tokens: 20,
    cache_creation_input_tokens: 300,
    output_tokens: 4,
  };
  assert.deepEqual(readUsage({ usage }), { promptTokens: 321, completionTokens: 4 });
});

test('2.8 a count that is missing or null is zero, no count at all is none', () => {
  assert.deepEqual(readUsage({ usage: { input_tokens: 1, cache_read_input_tokens: null } }), {
    promptTokens: 1,
    completionTokens: 0,
  });
  for (const message of [{}, { usage: null }, { usage: {} }, { usage: { other: 1 } }])
    assert.equal(readUsage(message), undefined);
});
