import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { ask, type Json } from '../contract/ask.ts';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { type RealServer, realServersMissing, startRealLlamaServer } from './servers.ts';

const missing = realServersMissing();
const user = [{ role: 'user', content: 'Once upon a time' }];

describe('real llama-servers for vectors and for ranking, through the router', { skip: missing ?? false }, () => {
  let vectors: RealServer;
  let ranks: RealServer;
  let router: RunningRouter;
  let openai: OpenAI;
  let ollama: Ollama;
  before(async () => {
    vectors = await startRealLlamaServer({ models: 'vectors', args: ['--embeddings', '--pooling', 'mean'] });
    ranks = await startRealLlamaServer({ models: 'ranks', args: ['--reranking'] });
    const kind = 'llama-server' as const;
    router = await startRouter({
      endpoints: [
        { url: vectors.url, kind },
        { url: ranks.url, kind },
      ],
    });
    openai = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'none', maxRetries: 0 });
    ollama = new Ollama({ host: router.url });
  });
  after(async () => {
    for (const part of [router, vectors, ranks]) await part[Symbol.asyncDispose]();
  });
  const post = (path: string, body: object) => ask(router.url, path, { body });
  const model = 'vectors';

  test("2.4 the OpenAI client's packed vectors are the floats", async () => {
    const input = ['Once', 'Two'];
    const packed = await openai.embeddings.create({ model, input });
    const floats = await openai.embeddings.create({ model, input, encoding_format: 'float' });
    assert.deepEqual(
      packed.data.map(({ embedding }) => embedding),
      floats.data.map(({ embedding }) => embedding),
    );
    assert.deepEqual([packed.data.length, packed.data[1]?.index, packed.data[0]?.embedding.length], [2, 1, 64]);
    assert.equal(packed.usage.prompt_tokens, floats.usage.prompt_tokens);
    const tokens = await openai.embeddings.create({ model, input: [1, 2, 3] });
    assert.equal(tokens.usage.prompt_tokens, 3);
  });

  test('2.4 vectors are cut to the dimensions that were asked for, which it would not do itself', async () => {
    for (const encoding_format of ['float', 'base64'] as const) {
      const { data } = await openai.embeddings.create({
        model,
        input: ['Once', 'Two'],
        dimensions: 4,
        encoding_format,
      });
      for (const { embedding } of data)
        if (typeof embedding === 'string') assert.equal(Buffer.from(embedding, 'base64').length, 16);
        else assertUnit(embedding, 4);
    }
    const { embeddings } = await ollama.embed({ model, input: ['Once', 'Two'], dimensions: 4 });
    for (const vector of embeddings) assertUnit(vector, 4);
  });

  test("4.8 Ollama's embed and embeddings give the same vectors", async () => {
    const { data } = await openai.embeddings.create({ model, input: 'Once', encoding_format: 'float' });
    const one = await ollama.embed({ model, input: 'Once' });
    assert.deepEqual(one.embeddings, [data[0]?.embedding]);
    assert.ok(one.total_duration > 0 && one.prompt_eval_count > 0);
    assert.deepEqual((await ollama.embeddings({ model, prompt: 'Once' })).embedding, data[0]?.embedding);
    assert.deepEqual((await ollama.embed({ model, input: [] })).embeddings, []);
    assert.deepEqual((await ollama.embeddings({ model, prompt: '' })).embedding, []);
  });

  test("4.8 a text that is too long is the request's own fault", async () => {
    const input = 'word '.repeat(800);
    for (const truncate of [true, false]) {
      const answer = await post('/api/embed', { model, input, truncate });
      assert.deepEqual([answer.status, answer.json()], [400, { error: 'the input length exceeds the context length' }]);
    }
    const openaiAnswer = await post('/v1/embeddings', { model, input });
    assert.match(openaiAnswer.json().error.message, /too large to process/);
    assert.equal(openaiAnswer.headers['x-should-retry'], 'false', 'though it is a 500');
  });

  for (const path of ['/v1/rerank', '/rerank', '/v1/reranking', '/reranking', '/v2/rerank'])
    test(`2.6 ${path} ranks the documents and gives them back where asked to`, async () => {
      const documents = ['a', 'b', 'x'];
      const fields = { model: 'ranks', query: 'x', documents };
      const { results, usage } = (await post(path, { ...fields, top_n: 2, return_documents: true })).json();
      assert.equal(results.length, 2);
      for (const { index, document } of results) assert.deepEqual(document, { text: documents[index] });
      assert.ok(results[0].relevance_score >= results[1].relevance_score);
      assert.ok(usage.total_tokens > 0);
      const all = (await post(path, fields)).json().results;
      assert.deepEqual(all.map(({ index }: Json) => index).toSorted(), [0, 1, 2]);
      assert.ok(all.every((result: Json) => result.document === undefined));
      const objects = (await post(path, { ...fields, documents: documents.map((text) => ({ text })) })).json().results;
      assert.deepEqual(objects, all);
    });

  test('2.6 texts are answered as TEI does', async () => {
    const answer = await post('/rerank', { model: 'ranks', query: 'x', texts: ['a', 'x'], return_text: true });
    const items: Json[] = answer.json();
    assert.deepEqual(items.map(({ index }) => index).toSorted(), [0, 1]);
    for (const { index, score, text } of items) assert.deepEqual([typeof score, text], ['number', ['a', 'x'][index]]);
  });

  test('2.6 a document that is too long, or none at all, is refused', async () => {
    const long = await post('/v1/rerank', { model: 'ranks', query: 'x', documents: ['word '.repeat(800)] });
    assert.deepEqual([long.status, long.json().error.type], [400, 'exceed_context_size_error']);
    assert.equal((await post('/v1/rerank', { model: 'ranks', query: 'x', documents: [] })).status, 400);
  });
});

describe('a real llama-server of one model, through the router', { skip: missing ?? false }, () => {
  let llama: RealServer;
  let router: RunningRouter;
  before(async () => {
    llama = await startRealLlamaServer({ models: 'ns/one:Q4_K_M,short', args: ['--api-key', 'secret'] });
    router = await startRouter({ endpoints: [{ url: llama.url, kind: 'llama-server', key: 'secret' }] });
  });
  after(async () => {
    for (const part of [router, llama]) await part[Symbol.asyncDispose]();
  });
  const post = (path: string, body: object) => ask(router.url, path, { body });

  test('3.2 answers to all its names, and to no other', async () => {
    for (const model of ['ns/one:Q4_K_M', 'short', 'short:latest']) {
      const answer = await post('/v1/chat/completions', { model, messages: user, max_tokens: 1 });
      assert.equal(answer.status, 200, model);
      assert.equal(
        (await post('/api/chat', { model, messages: user, stream: false, options: { num_predict: 1 } })).json().model,
        model,
      );
    }
    assert.equal((await post('/v1/chat/completions', { model: 'zzz', messages: user })).status, 404);
    assert.equal((await post('/api/chat', { model: 'zzz', messages: user })).json().error, "model 'zzz' not found");
  });

  test('4.9 is listed, shown and running, with what is known of it', async () => {
    const [entry] = (await ask(router.url, '/api/tags')).json().models;
    assert.deepEqual(
      [entry.name, entry.details.quantization_level, entry.details.parameter_size],
      ['ns/one:Q4_K_M', 'F16', '292.80K'],
    );
    assert.match(entry.digest, /^[0-9a-f]{64}$/);
    const [running] = (await ask(router.url, '/api/ps')).json().models;
    assert.deepEqual([running.name, running.digest, running.context_length], [entry.name, entry.digest, 512]);
    const shown = (await post('/api/show', { model: 'short' })).json();
    assert.deepEqual(
      [shown.model_info['llama.context_length'], shown.model_info['general.parameter_count']],
      [512, 292_800],
    );
    assert.match(shown.template, /im_start/);
    const [again] = (await ask(router.url, '/api/tags')).json().models;
    assert.equal(again.modified_at, entry.modified_at, 'though it says itself that it was made just now');
  });

  test('4.2 is loaded whatever it is told', async () => {
    for (const [keep, reason] of [
      [0, 'unload'],
      [-1, 'load'],
    ] as const) {
      const answer = await post('/api/generate', { model: 'short', keep_alive: keep });
      assert.deepEqual([answer.status, answer.json().done_reason], [200, reason]);
    }
    assert.equal((await ask(router.url, '/api/ps')).json().models.length, 1);
  });

  test('4.2 its own template is given calls of tools and their results', async () => {
    const messages = [
      ...user,
      { role: 'assistant', content: 'wait', tool_calls: [{ function: { name: 'f', arguments: { b: 1, a: 'ü' } } }] },
      { role: 'tool', tool_name: 'f', content: 'found' },
      { role: 'user', content: 'go on' },
    ];
    const answer = await post('/api/chat', { model: 'short', messages, _debug_render_only: true });
    const { rendered_template: rendered } = answer.json()._debug_info;
    for (const text of ['Once upon a time', 'wait', 'found', 'go on']) assert.ok(rendered.includes(text), rendered);
    const whole = await post('/api/chat', { model: 'short', messages, stream: false, options: { num_predict: 2 } });
    assert.deepEqual([whole.status, whole.json().eval_count], [200, 2]);
  });

  test('4.3 takes every option that has a name there, and is not told what it would refuse', async () => {
    const options = {
      num_predict: 3,
      temperature: 0.5,
      top_k: 10,
      top_p: 0.9,
      min_p: 0.1,
      typical_p: 0.9,
      seed: 1,
      repeat_penalty: 1.1,
      repeat_last_n: -1,
      presence_penalty: 0.1,
      frequency_penalty: 0.1,
      mirostat: 0,
      mirostat_tau: 5,
      mirostat_eta: 0.1,
      num_keep: 4,
      num_ctx: 2048,
      stop: ['\n\n'],
    };
    for (const [path, fields] of [
      ['/api/chat', { messages: user }],
      ['/api/generate', { prompt: 'Once' }],
      ['/api/generate', { prompt: 'Once', raw: true }],
    ] as const) {
      const answer = await post(path, { model: 'short', stream: false, options, ...fields });
      assert.equal(answer.status, 200, answer.text);
      assert.match(`${answer.headers['x-nomyo-dropped']}`, /options\.num_ctx/);
      assert.match(`${answer.headers['x-nomyo-dropped']}`, /options\.repeat_last_n/);
    }
    for (const limit of [-1, -2, 0]) {
      const body = { model: 'short', prompt: 'Once', format: { type: 'boolean' }, stream: false };
      const answer = await post('/api/generate', { ...body, options: { num_predict: limit } });
      assert.equal(answer.status, 200, `${limit} ${answer.text}`);
    }
  });

  test('4.2 log probabilities are those of Ollama: no token has an id', {}, async () => {
    const fields = { model: 'short', logprobs: true, top_logprobs: 1, stream: false, options: { num_predict: 1 } };
    const [token] = (await post('/api/chat', { ...fields, messages: user })).json().logprobs;
    assert.deepEqual(Object.keys(token).toSorted(), ['bytes', 'logprob', 'token', 'top_logprobs']);
  });

  test("3.1 a wrong key is the operator's affair, not the client's", async () => {
    await using wrong = await startRouter({ endpoints: [{ url: llama.url, kind: 'llama-server', key: 'wrong' }] });
    const answer = await ask(wrong.url, '/v1/chat/completions', { body: { model: 'short', messages: user } });
    assert.ok(![401, 403].includes(answer.status), answer.text);
    assert.ok(!answer.text.includes('wrong'), answer.text);
    const { status } = (await ask(wrong.url, '/health')).json();
    assert.equal(status, 'error');
  });
});

function assertUnit(vector: readonly number[], length: number): void {
  assert.equal(vector.length, length);
  const square = vector.reduce((sum, value) => sum + value * value, 0);
  assert.ok(Math.abs(square - 1) < 1e-5, `${square}`);
}
