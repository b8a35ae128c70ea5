import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { json } from '../support/streams.ts';
import { type Json, jsonOf, textOf } from '../support/wire.ts';

const PATH = '/v1/embeddings';
const DIMENSIONS = 16;
const EMBEDDER = { name: 'm', capabilities: ['embedding'], embeddingLength: DIMENSIONS } as const;

/** Every kind of endpoint, and an Ollama that is asked in its own words. */
const ENDPOINTS: Readonly<Record<string, SimulatedEndpointOptions>> = {
  ollama: { kind: 'ollama', models: [EMBEDDER] },
  'ollama without the route': { kind: 'ollama', models: [EMBEDDER], lacks: [PATH] },
  'llama-server': { kind: 'llama-server', models: [EMBEDDER], embeddings: true },
  vllm: { kind: 'vllm', models: [EMBEDDER] },
  openai: { kind: 'openai', models: [EMBEDDER] },
};

/** The vectors of an answer, by the form they came in; fails where it is not a whole list in order. */
function vectorsOf(answer: Json): { form: string; numbers: number[] }[] {
  assert.equal(answer.object, 'list');
  assert.ok(answer.usage.prompt_tokens > 0);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens);
  return answer.data.map((item: Json, index: number) => {
    assert.deepEqual([item.object, item.index], ['embedding', index]);
    if (typeof item.embedding !== 'string') return { form: 'float', numbers: item.embedding };
    const bytes = Buffer.from(item.embedding, 'base64');
    return { form: 'base64', numbers: Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i)) };
  });
}

function near(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, x] of actual.entries()) assert.ok(Math.abs(x - (expected[i] ?? Number.NaN)) < 1e-6, `${x} at ${i}`);
}

for (const [name, options] of Object.entries(ENDPOINTS)) {
  describe(`2.4 vectors of ${name}`, () => {
    test('have the form that was asked for, numbers where none was, and are the same in both', async () => {
      await using endpoint = await startSimulatedEndpoint(options);
      await using router = await routerBefore([endpoint]);
      const ask = async (format: object) => {
        const answer = await router.ask(PATH, { body: { model: 'm', input: ['one', 'two', 'one'], ...format } });
        assert.equal(answer.status, 200, textOf(answer));
        return vectorsOf(jsonOf(answer));
      };
      const floats = await ask({ encoding_format: 'float' });
      assert.deepEqual(
        floats.map(({ form, numbers }) => [form, numbers.length]),
        Array(3).fill(['float', DIMENSIONS]),
      );
      assert.deepEqual(floats[0], floats[2]);
      assert.notDeepEqual(floats[0], floats[1]);
      assert.deepEqual(await ask({}), floats);
      const packed = await ask({ encoding_format: 'base64' });
      packed.forEach(({ form, numbers }, index) => {
        assert.equal(form, 'base64');
        near(numbers, floats[index]?.numbers ?? []);
      });
    });

    test('are as short as was asked for, of length 1, in both forms', async () => {
      await using endpoint = await startSimulatedEndpoint(options);
      await using router = await routerBefore([endpoint]);
      for (const format of ['float', 'base64']) {
        const body = { model: 'm', input: ['a', 'b'], dimensions: 4, encoding_format: format };
        for (const vector of vectorsOf(jsonOf(await router.ask(PATH, { body })))) {
          assert.deepEqual([vector.form, vector.numbers.length], [format, 4]);
          near([Math.hypot(...vector.numbers)], [1]);
        }
      }
    });

    test('come for every text of a large batch, in one request and in its order', async () => {
      await using endpoint = await startSimulatedEndpoint(options);
      await using router = await routerBefore([endpoint]);
      const input = Array.from({ length: 500 }, (_, index) => `text ${index % 7}`);
      await router.ask(PATH, { body: { model: 'm', input: 'so that a missing route is known' } });
      endpoint.forgetRequests();
      const vectors = vectorsOf(jsonOf(await router.ask(PATH, { body: { model: 'm', input } })));
      assert.deepEqual(JSON.parse(onlyAsked(endpoint).body.toString()).input, input);
      for (const [index, vector] of vectors.entries()) assert.deepEqual(vector, vectors[index % 7]);
      assert.equal(vectors.length, input.length);
    });

    test('need something to embed and a form that there is: else nobody is asked', async () => {
      await using endpoint = await startSimulatedEndpoint(options);
      await using router = await routerBefore([endpoint]);
      for (const [fields, param] of [
        [{}, 'input'],
        [{ input: null }, 'input'],
        [{ input: [] }, 'input'],
        [{ input: 'a', encoding_format: 'int8' }, 'encoding_format'],
      ] as const) {
        const answer = await router.ask(PATH, { body: { model: 'm', ...fields } });
        assert.deepEqual([answer.status, jsonOf(answer).error.param], [400, param]);
      }
      assert.equal(endpoint.requests.filter(({ method }) => method === 'POST').length, 0);
    });
  });
}

describe('2.4 tokens by their numbers', () => {
  for (const [name, options] of Object.entries(ENDPOINTS)) {
    const isAble = options.kind !== 'ollama';
    test(`are ${isAble ? 'one text, or one each of several' : 'refused'} by ${name}`, async () => {
      await using endpoint = await startSimulatedEndpoint(options);
      await using router = await routerBefore([endpoint]);
      for (const [input, count] of [
        [[1, 2, 3], 1],
        [[[1, 2], [3]], 2],
      ] as const) {
        const answer = await router.ask(PATH, { body: { model: 'm', input } });
        if (isAble) assert.equal(vectorsOf(jsonOf(answer)).length, count);
        else assert.deepEqual([answer.status, /invalid input type/.test(textOf(answer))], [400, true]);
      }
    });
  }
});

describe('2.1 clients ask for base64 and do not check what they get', () => {
  const FLOATS =
    '{"object":"list","data":[{"object":"embedding","embedding":[1.0,-0.5],"index":0}],"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}, "x":1e400}';
  const PACKED = FLOATS.replace('[1.0,-0.5]', '"AACAPwAAAL8="');
  const CASES: readonly [asked: string, said: string, expected: string][] = [
    ['"base64"', FLOATS, PACKED],
    ['"base64"', PACKED, PACKED],
    ['"float"', PACKED, FLOATS.replace('1.0', '1')],
    ['"float"', FLOATS, FLOATS],
    ['null', PACKED, FLOATS.replace('1.0', '1')],
  ];
  for (const [asked, said, expected] of CASES) {
    test(`${asked} from an endpoint that gives ${said === PACKED ? 'base64' : 'numbers'}`, async () => {
      for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
        await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
        await using router = await routerBefore([endpoint]);
        endpoint.faults.add({ on: { method: 'POST' }, ...json(said) });
        const answer = await router.ask(PATH, { body: `{"model":"m","input":"a","encoding_format":${asked}}` });
        assert.equal(textOf(answer), expected, kind);
      }
    });
  }
});
