import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EmbeddingAsk, Vectors } from '../../../src/domain/ask.ts';
import type { EndpointKind } from '../../../src/domain/endpoint.ts';
import { RouterError } from '../../../src/errors.ts';
import type { Call } from '../../../src/protocols/call.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { openaiEmbeddings } from '../../../src/protocols/openai/embeddings.ts';
import { endpointOf } from '../../support/listings.ts';

function call(body: string | object): Call {
  return openaiEmbeddings.decode(
    Buffer.from(typeof body === 'string' ? body : JSON.stringify({ model: 'm', input: 'x', ...body })),
  );
}

function edited(kind: EndpointKind, body: string): string {
  const decoded = call(body);
  return splice(decoded.body, openaiEmbeddings.edits(decoded, endpointOf(kind))).toString();
}

function translation() {
  const { translation } = openaiEmbeddings;
  assert.ok(translation?.kind === 'embedding');
  return translation;
}

function ask(body: object): EmbeddingAsk {
  return translation().ask(call(body));
}

for (const [body, code, param, said] of [
  [{ model: undefined }, 'model_required', 'model', 'model is required'],
  [{ model: '' }, 'model_required', 'model', 'model is required'],
  [{ input: undefined }, 'invalid_parameter', 'input', 'invalid input'],
  [{ input: null }, 'invalid_parameter', 'input', 'invalid input'],
  [{ input: [] }, 'invalid_parameter', 'input', 'invalid input'],
  [
    { encoding_format: 'hex' },
    'invalid_parameter',
    'encoding_format',
    "Invalid value for 'encoding_format' = hex. Supported values: ['float', 'base64'].",
  ],
  [
    { encoding_format: 1 },
    'invalid_parameter',
    'encoding_format',
    'json: cannot unmarshal number into Go struct field EmbedRequest.encoding_format of type string',
  ],
] as const) {
  test(`2.4 ${JSON.stringify(body)} is refused: ${said}`, () => {
    refused(() => call(body), code, param, said);
  });
}

test('2.4 anything else is for the endpoint to judge', () => {
  for (const body of [
    { input: '' },
    { input: [1, 2] },
    { input: [[1], [2]] },
    { input: [{ content: [] }] },
    { input: 7, encoding_format: null, dimensions: 'x' },
    { encoding_format: 'BASE64', user: 'u', anything: { a: 1 } },
  ])
    assert.equal(call(body).intent, 'answer');
});

test('2.4 a request goes as it came, without what is the router’s own', () => {
  const body = '{ "input":[ "é", "x" ],"model":"m","nomyo":{"a":1} ,"dimensions":2,"x":1.0}';
  const bare = '{ "input":[ "é", "x" ],"model":"m" ,"dimensions":2,"x":1.0}';
  for (const kind of openaiEmbeddings.native) assert.equal(edited(kind, body), bare);
});

test('2.4 dimensions that the router cannot see to in place of llama-server are refused there alone', () => {
  for (const dimensions of [0, -1, 1.5, 1e2]) {
    const body = `{"model":"m","input":"x","dimensions":${dimensions === 1e2 ? '1e2' : dimensions}}`;
    assert.equal(edited('vllm', body), body);
    refused(
      () => edited('llama-server', body),
      'invalid_parameter',
      'dimensions',
      'dimensions must be a whole number above 0',
    );
  }
});

test('4.8 an Ollama without the route is asked for texts', () => {
  assert.deepEqual(translation().targets, ['ollama']);
  assert.deepEqual(ask({ input: ['a', ''], dimensions: 3, user: 'u', nomyo: 1, other: null }), {
    input: '["a",""]',
    count: 2,
    dimensions: 3,
    dropped: ['user'],
  });
  assert.deepEqual(ask({ input: '' }), { input: '""', count: 1, dimensions: undefined, dropped: [] });
});

for (const [body, param] of [
  [{ input: [1, 2] }, 'input'],
  [{ input: [[1]] }, 'input'],
  [{ input: ['a', 1] }, 'input'],
  [{ input: { a: 1 } }, 'input'],
  [{ truncate_prompt_tokens: 3 }, 'truncate_prompt_tokens'],
] as const) {
  test(`4.8 an Ollama without the route cannot be asked ${JSON.stringify(body)}`, () => {
    refused(() => ask(body), 'unsupported', param);
  });
}

const VECTORS: Vectors = { vectors: [[1, -2], [0.5]], promptTokens: 4 };

test('4.8 its answer has numbers or base64, as asked', () => {
  const answer = (encoding_format?: string) =>
    translation().encode(call({ model: 'Mine', encoding_format }), VECTORS, 1);
  const items = (one: string, two: string) =>
    `{"object":"list","data":[{"object":"embedding","index":0,"embedding":${one}},{"object":"embedding","index":1,"embedding":${two}}],"model":"Mine","usage":{"prompt_tokens":4,"total_tokens":4}}`;
  assert.equal(answer(), items('[1,-2]', '[0.5]'));
  assert.equal(answer('float'), items('[1,-2]', '[0.5]'));
  assert.equal(answer('base64'), items('"AACAPwAAAMA="', '"AAAAPw=="'));
});

function refused(act: () => unknown, code: string, param: string, said?: string): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof RouterError, `${error}`);
    assert.deepEqual([error.code, error.details.param], [code, param]);
    if (said !== undefined) assert.equal(error.message, said);
    return true;
  });
}
