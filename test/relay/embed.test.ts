import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import { counts, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { askWire, jsonOf, textOf } from '../support/wire.ts';

const EMBEDDER = { name: 'embedder', capabilities: ['embedding'], embeddingLength: 8 } as const;

function ollama() {
  return startFleet({ a: { kind: 'ollama', version: '0.32.15', models: [EMBEDDER, 'tiny'] } });
}

/** A vector as far as one request's durations leave it comparable. */
function vectors(body: string): unknown {
  const { embeddings, embedding } = JSON.parse(body);
  return embeddings ?? embedding;
}

describe('/api/embed and /api/embeddings reach an Ollama endpoint as they are (contract 1.5)', () => {
  const BODIES = [
    ['/api/embed', '{"model":"embedder","input":"one"}'],
    ['/api/embed', '{ "input": ["one", "two", "one"], "model" : "embedder", "dimensions":4 , "unknown": 1e400}'],
    ['/api/embed', '{"model":"embedder","input":["a"],"truncate":true,"keep_alive":"5m","options":{"num_ctx":16}}'],
    ['/api/embeddings', '{"model":"embedder","prompt":"one","options":{}}'],
  ] as const;
  for (const [path, body] of BODIES) {
    test(`${path} ${body}`, async () => {
      await using fleet = await ollama();
      const { a } = fleet.endpoints;
      await using router = await routerBefore([a]);
      const answer = await router.ask(path, { body, headers: { 'Content-Type': 'text/plain' } });
      assert.equal(answer.status, 200);
      assert.equal(onlyAsked(a).body.toString(), body);
      const own = await askWire(a.port, path, { body, headers: { Host: 'localhost' } });
      assert.deepEqual(vectors(textOf(answer)), vectors(textOf(own)));
    });
  }

  test('a batch has a vector per text, in the order of the texts, cut to the dimensions', async () => {
    await using fleet = await ollama();
    await using router = await routerBefore([fleet.endpoints.a]);
    const embed = async (input: unknown) =>
      jsonOf(await router.ask('/api/embed', { body: { model: 'embedder', input, dimensions: 3 } })).embeddings;
    const [one] = await embed('one');
    const [two] = await embed(['two']);
    assert.deepEqual(await embed(['two', 'one', 'two']), [two, one, two]);
    assert.equal(one.length, 3);
  });

  test('a refusal of the endpoint comes as it is', async () => {
    await using fleet = await ollama();
    await using router = await routerBefore([fleet.endpoints.a]);
    const refused = async (path: string, body: object) => {
      const answer = await router.ask(path, { body });
      return [answer.status, jsonOf(answer)];
    };
    const long = { model: 'embedder', input: 'a b c d '.repeat(40), truncate: false, options: { num_ctx: 16 } };
    const error = 'This server does not support embeddings. Start it with `--embeddings`';
    assert.deepEqual(await refused('/api/embed', long), [
      400,
      { error: 'the input length exceeds the context length' },
    ]);
    assert.deepEqual(await refused('/api/embed', { model: 'embedder', input: [1] }), [
      400,
      { error: 'invalid input type' },
    ]);
    assert.deepEqual(await refused('/api/embed', { model: 'tiny', input: 'x' }), [501, { error }]);
    assert.deepEqual(await refused('/api/embeddings', { model: 'tiny', prompt: 'x' }), [500, { error }]);
    assert.deepEqual(await refused('/api/embed', { model: 'embedder', input: 'x', dimensions: 'x' }), [
      400,
      { error: 'json: cannot unmarshal string into Go struct field EmbedRequest.dimensions of type int' },
    ]);
  });

  test('the tokens of the texts are counted', async () => {
    await using fleet = await ollama();
    await using router = await routerBefore([fleet.endpoints.a]);
    const answer = await router.ask('/api/embed', { body: { model: 'embedder', input: 'some words to count' } });
    const { token_usage_counts: spent } = jsonOf(await router.ask('/api/usage'));
    assert.deepEqual(spent, { [fleet.endpoints.a.url]: { 'embedder:latest': jsonOf(answer).prompt_eval_count } });
  });
});

describe('without a text the model is loaded (contract 1.5)', () => {
  const EMPTY = [
    ['/api/embed', {}],
    ['/api/embed', { input: '' }],
    ['/api/embed', { input: [] }],
    ['/api/embed', { input: null }],
    ['/api/embeddings', {}],
    ['/api/embeddings', { prompt: '' }],
  ] as const;
  for (const [path, fields] of EMPTY) {
    const body = { model: 'embedder', ...fields };
    const answered = path === '/api/embed' ? { model: 'embedder', embeddings: [] } : { embedding: [] };

    test(`on an Ollama endpoint by its own means: ${path} ${JSON.stringify(fields)}`, async () => {
      await using fleet = await ollama();
      await using router = await routerBefore([fleet.endpoints.a]);
      assert.deepEqual(jsonOf(await router.ask(path, { body })), answered);
      assert.deepEqual(fleet.endpoints.a.loadedModels(), ['embedder:latest']);
    });

    // Clients insist on numbers, which nobody has measured here.
    const numbers = path === '/api/embed' ? { total_duration: 1, load_duration: 0, prompt_eval_count: 0 } : {};
    test(`on a llama-server that manages models: ${path} ${JSON.stringify(fields)}`, async () => {
      await using fleet = await startFleet({ l: { kind: 'llama-server', mode: 'router', models: [EMBEDDER] } });
      await using router = await routerBefore([fleet.endpoints.l]);
      assert.deepEqual(jsonOf(await router.ask(path, { body })), { ...answered, ...numbers });
      assert.deepEqual(fleet.endpoints.l.loadedModels(), ['embedder']);
    });
  }

  test('where an endpoint that has it loaded was started without embeddings, another one is asked', async () => {
    await using fleet = await startFleet({
      l: { kind: 'llama-server', models: [EMBEDDER] },
      a: { kind: 'ollama', models: [EMBEDDER] },
    });
    const { l, a } = fleet.endpoints;
    await using router = await routerBefore([l, a]);
    const answer = await router.ask('/api/embed', { body: { model: 'embedder', input: 'x' } });
    assert.equal(answer.status, 200);
    assert.deepEqual(counts(l, a), [1, 1]);
  });
});
