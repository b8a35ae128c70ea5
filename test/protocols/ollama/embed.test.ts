import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EmbeddingAsk } from '../../../src/domain/ask.ts';
import { RouterError } from '../../../src/errors.ts';
import type { Call, EmbeddingTranslation, Operation } from '../../../src/protocols/call.ts';
import { embed, embeddings } from '../../../src/protocols/ollama/operations.ts';
import { decodeVectors, encodeEmbedding } from '../../../src/protocols/openai/embedding.ts';
import { decode, KINDS } from './request-calls.ts';

function translationOf(operation: Operation): EmbeddingTranslation {
  const { translation } = operation;
  assert.ok(translation?.kind === 'embedding');
  return translation;
}

function askOf(call: Call): EmbeddingAsk {
  return translationOf(call.operation).ask(call);
}

function embedAsk(body: object): EmbeddingAsk {
  return askOf(decode(embed, { model: 'm', ...body }));
}

test('4.8 both routes reach every kind that does not have them', () => {
  for (const operation of [embed, embeddings]) assert.deepEqual(translationOf(operation).targets, KINDS);
});

test('4.8 input goes to the letter: escapes, spaces, order', () => {
  const input = '[ "caf\\u00e9" ,"é\\n", "" ]';
  const ask = askOf(decode(embed, `{"model":"m","Input":${input}}`));
  assert.deepEqual([ask.input, ask.count], [input, 3]);
  const one = askOf(decode(embed, '{"model":"m","input":"a\\"b"}'));
  assert.deepEqual([one.input, one.count], ['"a\\"b"', 1]);
});

for (const input of [[1], ['a', 1], [['a']], [null], [{}], 1, true, { a: 1 }]) {
  test(`1.5 input ${JSON.stringify(input)} is refused in Ollama's words`, () => {
    refused(() => embedAsk({ input }), 'invalid input type');
  });
}

for (const [dimensions, expected] of [
  [4, 4],
  [0, undefined],
  [-1, undefined],
  [null, undefined],
  [undefined, undefined],
] as const) {
  test(`1.5 dimensions ${dimensions} means ${expected}`, () => {
    assert.equal(embedAsk({ input: 'x', dimensions }).dimensions, expected);
  });
}

test('1.5 dimensions that are no integer are refused in the words of the decoder', () => {
  const said = (found: string) =>
    `json: cannot unmarshal ${found} into Go struct field EmbedRequest.dimensions of type int`;
  refused(() => embedAsk({ input: 'x', dimensions: '4' }), said('string'));
  refused(() => embedAsk({ input: 'x', dimensions: 1.5 }), said('number 1.5'));
});

for (const [body, dropped] of [
  [{}, []],
  [{ truncate: false }, []],
  [{ truncate: null, keep_alive: null, options: null, stream: false, nomyo: {} }, []],
  [{ truncate: true }, ['truncate']],
  [{ keep_alive: '5m', x: 1, prompt: 'p' }, ['keep_alive', 'x', 'prompt']],
  [{ options: { num_ctx: 1, temperature: null, seed: 2 } }, ['options.num_ctx', 'options.seed']],
] as const) {
  test(`4.8 of ${JSON.stringify(body)} the client is told: ${dropped}`, () => {
    assert.deepEqual(embedAsk({ input: 'x', ...body }).dropped, dropped);
  });
}

test('1.4 what is left out is checked all the same', () => {
  refused(() => embedAsk({ input: 'x', keep_alive: '5' }), 'time: missing unit in duration "5"');
  refused(() => embedAsk({ input: 'x', truncate: 1 }), /cannot unmarshal number .*truncate of type bool/);
  refused(() => embedAsk({ input: 'x', options: [] }), /cannot unmarshal array .*options/);
});

test('4.8 the old form asks for one vector of its prompt and gives it alone', () => {
  const call = decode(embeddings, { model: 'm', prompt: 'x y', keep_alive: 3, input: ['a'] });
  assert.deepEqual(askOf(call), { input: '"x y"', count: 1, dimensions: undefined, dropped: ['keep_alive', 'input'] });
  const answer = translationOf(embeddings).encode(call, { vectors: [[0.5, -1]], promptTokens: 2 }, 1);
  assert.equal(answer, '{"embedding":[0.5,-1]}');
});

test('0 the answer has the numbers that clients insist on, and the name that the client wrote', () => {
  const call = decode(embed, { model: 'Mine', input: ['a', 'b'] });
  const answer = (ms: number, promptTokens: number) =>
    translationOf(embed).encode(call, { vectors: [[1e-7, 1], [0]], promptTokens }, ms);
  assert.equal(
    answer(1.5, 3),
    '{"model":"Mine","embeddings":[[1e-7,1],[0]],"total_duration":1500000,"load_duration":0,"prompt_eval_count":3}',
  );
  assert.match(answer(0, 0), /"total_duration":1,"load_duration":0,"prompt_eval_count":0/);
});

test('4.8 a batch goes out and comes back whole, in order, whatever the order of the answer', () => {
  const vector = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 5 });
  const batch = fc.array(fc.tuple(fc.string({ minLength: 1 }), vector, fc.nat()), { minLength: 1 });
  fc.assert(
    fc.property(batch, fc.constantFrom(...KINDS), (given, kind) => {
      const call = decode(embed, { model: 'm', input: given.map(([text]) => text) });
      const ask = askOf(call);
      const sent = JSON.parse(encodeEmbedding(ask, 'up', kind).body);
      assert.deepEqual(sent, { model: 'up', input: given.map(([text]) => text), encoding_format: 'float' });
      const data = given.map(([, embedding, rank], index) => ({ index, embedding, rank }));
      data.sort((a, b) => a.rank - b.rank);
      const answer = JSON.parse(JSON.stringify({ data, usage: { prompt_tokens: 7 } }));
      const said = JSON.parse(translationOf(embed).encode(call, decodeVectors(answer, ask), 1));
      assert.deepEqual(said.embeddings, JSON.parse(JSON.stringify(given.map(([, embedding]) => embedding))));
    }),
  );
});

function refused(act: () => unknown, said: string | RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof RouterError && error.code === 'invalid_parameter', `${error}`);
    if (typeof said === 'string') assert.equal(error.message, said);
    else assert.match(error.message, said);
    return true;
  });
}
