import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inabilityIn } from '../../src/protocols/refusals.ts';

const OVERFLOWS = [
  // llama-server
  'request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it',
  'input (600 tokens) is too large to process. increase the physical batch size (current batch size: 512)',
  'input is too large to process. increase the physical batch size',
  'input (600 tokens) is larger than the max context size (512 tokens). skipping',
  // vLLM
  "This model's maximum context length is 512 tokens. However, you requested 1451 tokens in the input for embedding generation. Please reduce the length of the input.",
  'The decoder prompt (length 600) is longer than the maximum model length of 512.',
  // OpenAI
  "This model's maximum context length is 8192 tokens, however you requested 10000 tokens (10000 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
  "Invalid 'input[55]': maximum input length is 8192 tokens.",
  // Ollama
  'the input length exceeds the context length',
  'input exceeds maximum context length and cannot be truncated further',
];

for (const message of OVERFLOWS) {
  test(`4.8 "${message.slice(0, 60)}" is an overflow`, () => {
    assert.equal(inabilityIn(400, message)?.of, 'context');
  });
}

for (const message of [
  '',
  'model is required',
  'This server does not support embeddings. Start it with `--embeddings`',
  "Invalid 'dimensions': integer above maximum value.",
  'request body is too large; the limit is 20 MiB (limits.body)',
]) {
  test(`4.8 "${message}" is none`, () => assert.notEqual(inabilityIn(400, message)?.of, 'context'));
}
