import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelItem, modelItems } from '../../../src/protocols/openai/lists.ts';
import { listingOf } from '../../support/listings.ts';

const tags = { modified_at: '2026-08-01T10:00:00.9+02:00' };

for (const [name, owner] of [
  ['llama3:latest', 'library'],
  ['me/foo:7b', 'me'],
  ['hf.co/org/repo:Q8_0', 'org'],
] as const) {
  test(`4.9 ${name} of Ollama is an item owned by ${owner}`, () => {
    assert.deepEqual(modelItem(listingOf('ollama', name, { tags })), {
      id: name,
      object: 'model',
      created: 1_785_571_200,
      owned_by: owner,
    });
  });
}

test('2.5 other items keep their extras and are complete', () => {
  const item = { id: 'a/b', meta: { n_ctx: 1 }, created: 7.9, owned_by: 'llamacpp', permission: [] };
  assert.deepEqual(modelItems([listingOf('llama-server', 'a/b', { item })]), [
    { id: 'a/b', meta: { n_ctx: 1 }, created: 7, owned_by: 'llamacpp', permission: [], object: 'model' },
  ]);
  assert.deepEqual(modelItem(listingOf('vllm', 'bare')), { id: 'bare', object: 'model', created: 0, owned_by: 'vllm' });
  assert.equal(modelItem(listingOf('ollama', 'a:latest', { tags: {} }))['created'], 0);
});

test('2.5 every name that inference accepts is listed, each once', () => {
  const items = modelItems([
    listingOf('ollama', 'llama3:latest', { tags }),
    listingOf('ollama', 'Llama3:latest', { tags }),
    listingOf('llama-server', 'qwen', { aliases: ['qwen', 'gpt-4'] }),
    listingOf('vllm', 'qwen'),
    listingOf('vllm', 'llama3:latest'),
    listingOf('openai', 'Qwen'),
  ]);
  assert.deepEqual(
    items.map(({ id, owned_by }) => [id, owned_by]),
    [
      ['llama3:latest', 'library'],
      ['qwen', 'llama-server'],
      ['gpt-4', 'llama-server'],
      ['Qwen', 'openai'],
    ],
  );
});

test('2.5 an item that was asked for has the spelling of the client, and no models are an empty list', () => {
  assert.equal(modelItem(listingOf('ollama', 'llama3:latest', { tags }), 'LLAMA3')['id'], 'LLAMA3');
  assert.deepEqual(modelItems([]), []);
});
