import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { json } from '../support/streams.ts';
import { type Json, jsonOf, textOf } from '../support/wire.ts';

const KINDS = ['llama-server', 'vllm', 'openai'] as const;
const RANKER = { name: 'm', capabilities: ['rerank'] } as const;
const DOCUMENTS = ['nothing', 'the "q" and \u00e9', 'neither'];

/** Asks an endpoint that can rank: what it was sent, and what the client got. */
async function rank(kind: EndpointKind, path: string, fields: object) {
  const has = kind === 'openai' ? ['/v1/rerank', '/v2/rerank'] : [];
  await using endpoint = await startSimulatedEndpoint({ kind, models: [RANKER], has });
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask(path, { body: { model: 'm', query: 'q', ...fields } });
  assert.equal(answer.status, 200, textOf(answer));
  const { path: there, json: sent } = onlyAsked(endpoint);
  return { there, sent: sent as Json, got: jsonOf(answer) };
}

for (const kind of KINDS) {
  describe(`2.6 a ranking by ${kind}`, () => {
    test('as clients of Jina read it, the best first', async () => {
      for (const path of ['/v1/rerank', '/rerank', '/reranking', '/v1/reranking']) {
        const { there, sent, got } = await rank(kind, path, { documents: DOCUMENTS, top_n: 2 });
        assert.equal(there, '/v1/rerank');
        assert.deepEqual(sent.documents, DOCUMENTS);
        assert.deepEqual([got.model, got.results.length, got.results[0].index], ['m', 2, 1]);
        assert.ok(got.results[0].relevance_score > got.results[1].relevance_score);
        assert.ok(got.usage.total_tokens > 0);
      }
    });

    test('has the documents where they were asked for, by their index, be they texts or objects', async () => {
      for (const documents of [
        DOCUMENTS,
        DOCUMENTS.map((text) => ({ text })),
        [DOCUMENTS[0], { text: DOCUMENTS[1] }, DOCUMENTS[2]],
      ]) {
        const { got } = await rank(kind, '/v1/rerank', { documents, return_documents: true });
        assert.equal(got.results.length, 3);
        for (const { index, document } of got.results) assert.equal(document.text, DOCUMENTS[index]);
      }
    });

    test('as clients of Cohere read it', async () => {
      const { there, got } = await rank(kind, '/v2/rerank', { documents: DOCUMENTS, top_n: 1 });
      assert.equal(there, kind === 'llama-server' ? '/v1/rerank' : '/v2/rerank');
      assert.ok(typeof got.id === 'string' && got.id !== '');
      assert.equal(got.meta.api_version.version, '2');
      assert.deepEqual([got.results.length, got.results[0].index], [1, 1]);
    });

    test('as clients of TEI read it: a bare array, the best first', async () => {
      const { sent, got } = await rank(kind, '/rerank', {
        texts: DOCUMENTS,
        return_text: true,
        raw_scores: false,
        truncate: true,
      });
      assert.deepEqual(sent.texts ?? sent.documents, DOCUMENTS);
      assert.deepEqual(got.map(({ index }: Json) => index).toSorted(), [0, 1, 2]);
      assert.equal(got[0].index, 1);
      for (const { index, score, text, ...rest } of got) {
        assert.deepEqual([typeof score, text, rest], ['number', DOCUMENTS[index], {}]);
      }
      const { got: without } = await rank(kind, '/rerank', { texts: DOCUMENTS });
      assert.deepEqual(Object.keys(without[0]), ['index', 'score']);
    });

    test('keeps every byte that it need not change', async () => {
      const said =
        '{"results":[{"index":1,"relevance_score":-3.10e0},{ "index" : 0, "relevance_score":1e400 ,"document":{"text":"own"}}],"model":"m" ,"id":"x"}\n';
      await using endpoint = await startSimulatedEndpoint({ kind, models: [RANKER] });
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({ on: { method: 'POST' }, ...json(said) });
      const ask = async (fields: string) =>
        textOf(
          await router.ask('/v1/rerank', {
            body: `{"model":"m","query":"q","documents":["a",{"text":"\\u0062","n":1}]${fields}}`,
          }),
        );
      assert.equal(await ask(''), said);
      assert.equal(await ask(',"return_documents":false'), said);
      const filled = said.replace('-3.10e0}', '-3.10e0,"document":{"text":"\\u0062"}}');
      assert.equal(await ask(',"return_documents":true'), filled);
    });
  });
}

test('2.6 what cannot be ranked reaches nobody, and no Ollama ranks', async () => {
  await using able = await startSimulatedEndpoint({ kind: 'vllm', models: [RANKER] });
  await using ollama = await startSimulatedEndpoint({ kind: 'ollama', models: ['o'] });
  await using router = await routerBefore([able, ollama]);
  const documents = ['a'];
  for (const [body, status, param] of [
    [{ query: 'q', documents }, 400, 'model'],
    [{ query: 'q', texts: documents }, 400, 'model'],
    [{ model: 'm', documents }, 400, 'query'],
    [{ model: 'm', query: ['q'], documents }, 400, 'query'],
    [{ model: 'm', query: 'q' }, 400, 'documents'],
    [{ model: 'm', query: 'q', documents: [] }, 400, 'documents'],
    [{ model: 'm', query: 'q', documents: 'a' }, 400, 'documents'],
    [{ model: 'm', query: 'q', texts: [] }, 400, 'texts'],
    [{ model: 'o', query: 'q', documents }, 501, null],
  ] as const) {
    const answer = await router.ask('/v1/rerank', { body });
    assert.deepEqual([answer.status, jsonOf(answer).error.param], [status, param], JSON.stringify(body));
  }
  assert.deepEqual([asked(able).length, asked(ollama).length], [0, 0]);
});

test('2.6 a llama-server without --reranking says so in its own words', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const answer = await router.ask('/v1/rerank', { body: { model: 'm', query: 'q', documents: ['a'] } });
  assert.deepEqual([answer.status, jsonOf(answer).error.type], [501, 'not_supported_error']);
});
