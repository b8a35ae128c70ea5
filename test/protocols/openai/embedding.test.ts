import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EmbeddingAsk } from '../../../src/domain/ask.ts';
import type { JsonValue } from '../../../src/domain/json.ts';
import { EndpointFailure } from '../../../src/errors.ts';
import { decodeVectors, encodeEmbedding } from '../../../src/protocols/openai/embedding.ts';

const ASK: EmbeddingAsk = { input: '["a","b"]', count: 2, dimensions: undefined, dropped: [] };

test('4.8 floats are asked for, and dimensions where they are understood', () => {
  const cut = { ...ASK, dimensions: 4 };
  const body = '{"model":"m","input":["a","b"],"encoding_format":"float","dimensions":4}';
  assert.deepEqual(encodeEmbedding(cut, 'm', 'vllm'), { path: '/v1/embeddings', body });
  assert.deepEqual(encodeEmbedding(cut, 'm', 'openai'), { path: '/v1/embeddings', body });
  assert.equal(encodeEmbedding(cut, 'm', 'llama-server').body, body.replace(',"dimensions":4', ''));
});

test('4.8 vectors are read by their index, numbers and base64 alike', () => {
  const data = [
    { index: 1, embedding: 'AACAPwAAAMA=', encoding_format: 'base64' },
    { index: 0, embedding: [0.5] },
  ];
  assert.deepEqual(decodeVectors({ data, usage: { prompt_tokens: 3, total_tokens: 4 } }, ASK), {
    vectors: [[0.5], [1, -2]],
    promptTokens: 3,
  });
});

test('4.8 without an index the place counts, without prompt tokens the total, without any none', () => {
  const data = [{ embedding: [1] }, { embedding: [2] }];
  assert.deepEqual(decodeVectors({ data, usage: { total_tokens: 4 } }, ASK), { vectors: [[1], [2]], promptTokens: 4 });
  assert.equal(decodeVectors({ data }, ASK).promptTokens, 0);
});

test('4.8 what is longer than asked for is cut and has the length 1', () => {
  const data = [{ embedding: [3, 4, 5] }, { embedding: [1, 0] }];
  assert.deepEqual(decodeVectors({ data }, { ...ASK, dimensions: 2 }).vectors, [
    [0.6, 0.8],
    [1, 0],
  ]);
});

const item = (index: number) => ({ index, embedding: [1] });
const SENSELESS: readonly (JsonValue | undefined)[] = [
  undefined,
  null,
  {},
  [],
  [item(0)],
  [item(0), item(1), item(2)],
  [item(0), item(0)],
  [item(1), item(2)],
  [item(0), item(0.5)],
  [item(0), { index: 1 }],
  [item(0), { index: 1, embedding: [] }],
  [item(0), { index: 1, embedding: ['x'] }],
  [item(0), { index: 1, embedding: [[1]] }],
  [item(0), { index: 1, embedding: 'xx' }],
  [item(0), 'x'],
];
for (const data of SENSELESS) {
  test(`4.8 data ${JSON.stringify(data)} is not what was asked for`, () => {
    assert.throws(
      () => decodeVectors({ data }, ASK),
      (error) => error instanceof EndpointFailure && error.reason === 'invalid',
    );
  });
}
