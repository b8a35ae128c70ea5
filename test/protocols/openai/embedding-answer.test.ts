import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointKind } from '../../../src/domain/endpoint.ts';
import { EndpointFailure } from '../../../src/errors.ts';
import type { AnswerPipe } from '../../../src/protocols/call.ts';
import { openaiEmbeddings } from '../../../src/protocols/openai/embeddings.ts';
import { packVector } from '../../../src/protocols/vectors.ts';
import { endpointOf } from '../../support/listings.ts';
import { bytesOf, feed, feedEveryWay } from '../feeding.ts';

function pipe(body: object = {}, kind: EndpointKind = 'openai', client = 'm', upstream = 'm'): AnswerPipe {
  const call = openaiEmbeddings.decode(Buffer.from(JSON.stringify({ model: client, input: 'x', ...body })));
  return openaiEmbeddings.verbatim(call, endpointOf(kind), 'application/json', { client, upstream });
}

/** What the client is sent, whatever the cuts. */
function answered(answer: string, body: object = {}, kind: EndpointKind = 'openai'): string {
  const { text, error } = feedEveryWay(() => pipe(body, kind), answer);
  assert.equal(error, undefined);
  return Buffer.from(text, 'latin1').toString();
}

/** An answer with odd spacing, unknown members and texts beyond ASCII: only vectors may change. */
const answerOf = (...vectors: string[]) =>
  `{ "object":"list","é": 1.0, "data" :[${vectors.map((vector, i) => ` { "x":[{}],"embedding": ${vector} ,"index":${i}}`).join(' ,')} ],"model":"m" ,"usage":{"prompt_tokens":3,"total_tokens":3} }\n`;

const FLOATS = answerOf('[1.0, -2]', '[5e-1]');
const PACKED = answerOf('"AACAPwAAAMA="', '"AAAAPw=="');

test('2.4 an answer that is as asked passes byte for byte', () => {
  assert.equal(answered(FLOATS), FLOATS);
  assert.equal(answered(FLOATS, { encoding_format: 'float' }), FLOATS);
  assert.equal(answered(PACKED, { encoding_format: 'base64' }), PACKED);
  assert.equal(answered(FLOATS, { dimensions: 1 }, 'vllm'), FLOATS);
});

test('2.4 R25 numbers become base64 where that was asked, and nothing else changes', () => {
  assert.equal(answered(FLOATS, { encoding_format: 'base64' }), PACKED);
});

test('2.4 base64 becomes numbers where it was not asked, and llama-server’s own mark stays', () => {
  assert.equal(answered(PACKED), answerOf('[1,-2]', '[0.5]'));
  assert.equal(answered(PACKED, { encoding_format: 'float' }), answerOf('[1,-2]', '[0.5]'));
  const marked = PACKED.replaceAll('"x"', '"encoding_format":"base64","x"');
  assert.equal(answered(marked), answerOf('[1,-2]', '[0.5]').replaceAll('"x"', '"encoding_format":"base64","x"'));
});

test('2.4 in an answer of both kinds each vector that is not as asked changes', () => {
  const mixed = answerOf('"AACAPwAAAMA="', '[5e-1]', '"AAAAPw=="');
  assert.equal(answered(mixed), answerOf('[1,-2]', '[5e-1]', '[0.5]'));
});

test('2.4 llama-server ignores dimensions: the router cuts, and the length is 1 again', () => {
  const long = answerOf('[3,4,12]', '[1, 0]');
  assert.equal(answered(long, { dimensions: 2 }, 'llama-server'), answerOf('[0.6,0.8]', '[1, 0]'));
  const packed = answerOf(`"${packVector([3, 4, 12])}"`, `"${packVector([1, 0])}"`);
  assert.equal(
    answered(packed, { dimensions: 2, encoding_format: 'base64' }, 'llama-server'),
    answerOf(`"${packVector([0.6, 0.8])}"`, `"${packVector([1, 0])}"`),
  );
  assert.equal(answered(long, { dimensions: 3 }, 'llama-server'), long);
});

test('1.3 the answer has the name that the client wrote', () => {
  const renamed = feed(pipe({}, 'openai', 'Mine', 'm'), [Buffer.from(FLOATS)]);
  assert.equal(renamed.text, bytesOf(FLOATS.replace('"model":"m"', '"model":"Mine"')));
  const other = FLOATS.replace('"model":"m"', '"model":"else"');
  assert.equal(feed(pipe({}, 'openai', 'Mine', 'm'), [Buffer.from(other)]).text, bytesOf(other));
});

for (const [usage, expected] of [
  ['{"prompt_tokens":3,"total_tokens":4}', { promptTokens: 3, completionTokens: 0 }],
  ['{"total_tokens":4}', { promptTokens: 4, completionTokens: 0 }],
  ['{}', undefined],
  ['null', undefined],
] as const) {
  test(`2.4 usage ${usage} counts`, () => {
    const counting = pipe();
    feed(counting, [Buffer.from(`{"data":[{"embedding":[1]}],"usage":${usage}}`)]);
    assert.deepEqual(counting.usage, expected);
  });
}

test('what is no list of vectors passes as it is', () => {
  const asking = { encoding_format: 'base64' };
  for (const answer of [
    '{}',
    '{"data":null}',
    '{"data":[]}',
    '{"data":[ 1 ]}',
    '{"data":[{}, {"x":1}]}',
    '{"error":"x"}',
  ])
    assert.equal(answered(answer, asking), answer);
});

test('an answer that is cut off is a failure that another endpoint can make up for', () => {
  for (let end = 0; end < FLOATS.length - 2; end++) {
    const { error, text } = feed(pipe({ encoding_format: 'base64' }), [Buffer.from(FLOATS).subarray(0, end)]);
    assert.ok(error instanceof EndpointFailure && error.reason === 'broken' && text === '', `${end}: ${error}`);
  }
});

test('4.8 vectors that make no sense are no answer', () => {
  for (const vector of ['[]', '[null]', '["x"]', '[[1]]', '[1e39]', 'null', '{}']) {
    const { error } = feed(pipe({ encoding_format: 'base64' }), [Buffer.from(answerOf(vector))]);
    assert.ok(error instanceof EndpointFailure && error.reason === 'invalid', `${vector}: ${error}`);
  }
});

test('2.4 whatever the endpoint sends, the client reads the same vectors in the form it asked for', () => {
  const vector = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 4 });
  const format = fc.constantFrom('float', 'base64');
  fc.assert(
    fc.property(fc.array(vector, { maxLength: 4 }), format, format, (vectors, sent, asked) => {
      // JSON has no negative zero.
      const plain = vectors.map((v) => v.map((x) => x + 0));
      const inForm = (form: string) => plain.map((v) => (form === 'base64' ? packVector(v) : v));
      const data = inForm(sent).map((embedding, index) => ({ object: 'embedding', embedding, index }));
      const { text } = feed(pipe({ encoding_format: asked }), [Buffer.from(JSON.stringify({ data }))]);
      const got = JSON.parse(text).data.map(({ embedding }: { embedding: unknown }) => embedding);
      assert.deepEqual(got, JSON.parse(JSON.stringify(inForm(asked))));
    }),
  );
});
