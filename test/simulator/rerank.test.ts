import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, type Json } from '../contract/ask.ts';

const documents = ['a red house', 'the river', 'the red river'];
const question = { model: 'm', query: 'the red river', documents };
const ranker = { name: 'm', capabilities: ['rerank'], contextLength: 64 } as const;

async function server(kind: SimulatedEndpointOptions['kind'], options: Partial<SimulatedEndpointOptions> = {}) {
  const endpoint = await startSimulatedEndpoint({ kind, models: [ranker], has: ['/v1/rerank'], ...options });
  const rank = (fields: object = {}, path = '/v1/rerank') =>
    ask(endpoint.url, path, { body: { ...question, ...fields } });
  return { endpoint, rank, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

const order = (results: Json) => results.map((result: Json) => result.index);

test('llama-server ranks under four names, best first, without documents and id', async () => {
  await using it = await server('llama-server');
  for (const path of ['/rerank', '/reranking', '/v1/rerank', '/v1/reranking']) {
    const answer = (await it.rank({}, path)).json();
    assert.deepEqual(
      [Object.keys(answer), order(answer.results)],
      [
        ['model', 'object', 'usage', 'results'],
        [2, 1, 0],
      ],
    );
    const scores = answer.results.map((result: Json) => result.relevance_score);
    assert.ok(scores[0] > 1 && scores[1] > scores[2] && scores[2] < 0, 'scores have no bounds');
    assert.deepEqual(Object.keys(answer.results[0]), ['index', 'relevance_score']);
  }
  assert.deepEqual(order((await it.rank({ top_n: 2 })).json().results), [2, 1]);
  assert.equal(it.endpoint.totals('m').prompt, 5 * (await it.rank()).json().usage.prompt_tokens);
});

test('llama-server answers in the form of text-embeddings-inference where it is asked in it', async () => {
  await using it = await server('llama-server');
  const asked = { documents: undefined, texts: documents };
  assert.deepEqual(Object.keys((await it.rank(asked)).json()[0]), ['index', 'score']);
  const [best] = (await it.rank({ ...asked, return_text: true })).json();
  assert.deepEqual([best.index, best.text], [2, 'the red river']);
});

test('vLLM ranks under three names, with the documents', async () => {
  await using it = await server('vllm');
  for (const path of ['/rerank', '/v1/rerank', '/v2/rerank']) {
    const { id, results } = (await it.rank({ documents: [{ text: 'x' }, ...documents] }, path)).json();
    assert.match(id, /^rerank-/);
    assert.deepEqual(results[0].document, { text: 'the red river', multi_modal: null });
    assert.equal(results[0].index, 3);
  }
});

test("an openai that ranks does so in Jina's form, where it is told to have the path", async () => {
  await using it = await server('openai');
  const { results, object } = (await it.rank()).json();
  assert.deepEqual([object, results[0].document.text, order(results)], ['list', 'the red river', [2, 1, 0]]);
  const bare = (await it.rank({ return_documents: false })).json();
  assert.deepEqual(Object.keys(bare.results[0]), ['index', 'relevance_score']);
  await using usual = await server('openai', { has: [] });
  assert.equal((await usual.rank()).status, 404);
  await using ollama = await server('ollama');
  assert.equal((await ollama.rank()).status, 404);
});

test('what is no ranking is refused', async () => {
  const refused = async (kind: SimulatedEndpointOptions['kind'], fields: object, options = {}) => {
    await using it = await server(kind, options);
    const answer = await it.rank(fields);
    return [answer.status, answer.json().error.message];
  };
  const list = '"documents" must be a non-empty string array';
  assert.deepEqual(await refused('llama-server', { documents: [{ text: 'x' }] }), [400, list]);
  assert.deepEqual(await refused('llama-server', { documents: [] }), [400, list]);
  assert.deepEqual(await refused('llama-server', { query: undefined }), [400, '"query" must be provided']);
  const deaf = { models: ['m'] };
  const hint = 'This server does not support reranking. Start it with `--reranking`';
  assert.deepEqual(await refused('llama-server', {}, deaf), [501, hint]);
  assert.deepEqual(await refused('vllm', {}, deaf), [400, 'The model does not support Rerank (Score) API']);
  assert.equal((await refused('vllm', { documents: undefined }))[0], 400);
  assert.deepEqual(await refused('openai', { foo: 1 }), [400, "Unknown parameter: 'foo'."]);
  assert.equal((await refused('openai', { documents: [1] }))[0], 400);
  const long = { documents: ['x'.repeat(400)] };
  assert.match((await refused('vllm', long))[1], /you requested 104 tokens in the input for score\./);
  assert.match((await refused('llama-server', long))[1], /^request \(104 tokens\) exceeds the available context size/);
  assert.match((await refused('llama-server', long, { batchTokens: 64 }))[1], /^input \(104 tokens\) is too large/);
});
