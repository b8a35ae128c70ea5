import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointKind } from '../../../src/domain/endpoint.ts';
import { RouterError } from '../../../src/errors.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { rerankAt } from '../../../src/protocols/rerank/operations.ts';
import { endpointOf } from '../../support/listings.ts';
import { rankCall } from './ranking-calls.ts';

const PATHS = ['/v1/rerank', '/rerank', '/v2/rerank', '/reranking', '/v1/reranking'];

for (const path of PATHS) {
  test(`2.6 ${path} leads to the path that each kind has, and no Ollama`, () => {
    const { native, translation, pathAt } = rerankAt(path);
    assert.deepEqual([native, translation], [['llama-server', 'vllm', 'openai'], undefined]);
    const strict = path === '/v2/rerank' ? path : '/v1/rerank';
    assert.deepEqual(
      native.map((kind) => pathAt?.(endpointOf(kind))),
      ['/v1/rerank', strict, strict],
    );
  });
}

const DOCUMENTS = { documents: ['a'] };
for (const [body, code, param] of [
  [{ ...DOCUMENTS, model: undefined }, 'model_required', 'model'],
  [{ ...DOCUMENTS, model: '' }, 'model_required', 'model'],
  [{ texts: ['a'], model: undefined }, 'model_required', 'model'],
  [{ ...DOCUMENTS, query: undefined }, 'invalid_parameter', 'query'],
  [{ ...DOCUMENTS, query: null }, 'invalid_parameter', 'query'],
  [{ ...DOCUMENTS, query: ['q'] }, 'invalid_parameter', 'query'],
  [{}, 'invalid_parameter', 'documents'],
  [{ documents: [] }, 'invalid_parameter', 'documents'],
  [{ documents: null }, 'invalid_parameter', 'documents'],
  [{ documents: 'a' }, 'invalid_parameter', 'documents'],
  [{ texts: [] }, 'invalid_parameter', 'texts'],
  [{ texts: {} }, 'invalid_parameter', 'texts'],
] as const) {
  test(`2.6 ${JSON.stringify(body)} is refused for its ${param}`, () => {
    assert.throws(
      () => rankCall(body),
      (error) => error instanceof RouterError && error.code === code && error.details.param === param,
    );
  });
}

test("2.6 TEI's clients, which never name a model, are told what to do", () => {
  assert.throws(() => rankCall('{"query":"q","texts":["a"]}'), /add "model" to the body/);
});

/** The body that an endpoint of this kind is sent. */
function edited(kind: EndpointKind, body: string): string {
  const call = rankCall(body);
  return splice(call.body, call.operation.edits(call, endpointOf(kind))).toString();
}

/** What stands for the rest of a body: every byte of it must survive. */
const REST = '"model":"m" ,"query":"é","top_n":1.0, "x":{"2":1,"1":[ ]}';

for (const [kind, before, after] of [
  ['llama-server', `{${REST},"documents":["a", "b"]}`, `{${REST},"documents":["a", "b"]}`],
  [
    'llama-server',
    `{${REST},"documents":[{"text":"a\\u00e9"} , "b",{"id":1,"text": "c"}]}`,
    `{${REST},"documents":["a\\u00e9" , "b","c"]}`,
  ],
  ['vllm', `{${REST},"documents":[{"text":"a"}, {"x":1}]}`, `{${REST},"documents":[{"text":"a"}, {"x":1}]}`],
  ['openai', `{"nomyo":1,${REST},"documents":["a"]}`, `{${REST},"documents":["a"]}`],
  [
    'llama-server',
    `{${REST},"texts":["a"],"raw_scores":true,"nomyo":1,"return_text":true}`,
    `{${REST},"texts":["a"],"raw_scores":true,"return_text":true}`,
  ],
  [
    'vllm',
    `{"raw_scores":true,"return_text":true,${REST},"texts" : ["a"],"truncate":false,"nomyo":1,"truncation_direction":"Right"}`,
    `{${REST},"documents":["a"]}`,
  ],
  ['openai', `{"texts":["a"],"truncate":true,${REST}}`, `{"documents":["a"],${REST}}`],
  ['openai', `{${REST},"te\\u0078ts":["a"],"texts":["b"]}`, `{${REST},"documents":["a"],"documents":["b"]}`],
  ['openai', `{${REST},"documents":["a"],"truncate":true}`, `{${REST},"documents":["a"],"truncate":true}`],
] as const) {
  test(`2.6 for ${kind} ${before.replace(REST, '…')} becomes ${after.replace(REST, '…')}`, () => {
    assert.equal(edited(kind, before), after);
  });
}

test('2.6 a body of texts alone is the same buffer', () => {
  const call = rankCall({ documents: ['a', 'b'] });
  assert.equal(splice(call.body, call.operation.edits(call, endpointOf('llama-server'))), call.body);
});

test('2.6 a document without a text is nothing for llama-server', () => {
  for (const document of ['{"x":1}', '{"text":1}', '1', 'null']) {
    const body = `{${REST},"documents":["a",${document}]}`;
    assert.equal(edited('vllm', body), body);
    assert.throws(
      () => edited('llama-server', body),
      (error) => error instanceof RouterError && error.code === 'unsupported' && error.details.param === 'documents',
    );
  }
});

test("2.6 whatever the order of fields, vLLM is sent TEI's texts and no field that it does not know", () => {
  const cut = ['raw_scores', 'return_text', 'truncate', 'truncation_direction', 'nomyo'];
  const kept = ['model', 'query', 'x', 'y'];
  fc.assert(
    fc.property(fc.shuffledSubarray([...cut, 'x', 'y']), fc.nat(), (fields, place) => {
      const names = fields.toSpliced(place % (fields.length + 1), 0, 'model', 'query', 'texts');
      const value = (name: string) => (name === 'texts' ? '["a","b"]' : '"m"');
      const sent = JSON.parse(edited('vllm', `{${names.map((name) => `"${name}":${value(name)}`).join(',')}}`));
      const expected = names.filter((name) => kept.includes(name)).map((name) => [name, 'm']);
      assert.deepEqual(sent, { ...Object.fromEntries(expected), documents: ['a', 'b'] });
    }),
  );
});
