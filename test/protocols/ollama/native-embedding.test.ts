import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EmbeddingAsk } from '../../../src/domain/ask.ts';
import { EndpointFailure } from '../../../src/errors.ts';
import { decodeEmbed, encodeEmbed } from '../../../src/protocols/ollama/native-embedding.ts';

const ASK: EmbeddingAsk = { input: '["a", "b"]', count: 2, dimensions: 3, dropped: [] };

test('4.8 an Ollama is asked for the texts and the dimensions alone', () => {
  assert.deepEqual(encodeEmbed(ASK, 'm:1'), {
    path: '/api/embed',
    body: '{"model":"m:1","input":["a", "b"],"dimensions":3}',
  });
  assert.equal(encodeEmbed({ ...ASK, dimensions: undefined }, 'm').body, '{"model":"m","input":["a", "b"]}');
});

test('4.8 its vectors and its count of tokens are read, cut where it does not know dimensions', () => {
  const embeddings = [
    [3, 4, 0, 9],
    [1, 0, 0],
  ];
  const [first, second] = [
    [0.6, 0.8, 0],
    [1, 0, 0],
  ];
  assert.deepEqual(decodeEmbed({ embeddings, prompt_eval_count: 5 }, ASK), {
    vectors: [first, second],
    promptTokens: 5,
  });
  assert.equal(decodeEmbed({ embeddings }, ASK).promptTokens, 0);
});

for (const embeddings of [undefined, [], [[1]], [[1], [2], [3]], [[1], []], [[1], [null]], [1, 2]]) {
  test(`4.8 embeddings ${JSON.stringify(embeddings)} are not what was asked for`, () => {
    assert.throws(
      () => decodeEmbed({ embeddings }, ASK),
      (error) => error instanceof EndpointFailure && error.reason === 'invalid',
    );
  });
}
