import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import { counts } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { jsonOf } from '../support/wire.ts';

const MODEL = { name: 'tiny', contextLength: 8192 };

describe('among equals a request goes where the model is loaded with the context that it wants (contract 1.6)', () => {
  test('and is loaded anew nowhere', async () => {
    await using fleet = await startFleet({
      small: { kind: 'ollama', models: [{ ...MODEL, contextLength: 2048 }], loaded: ['tiny'] },
      large: { kind: 'ollama', models: [MODEL], loaded: ['tiny'] },
      cold: { kind: 'ollama', models: [MODEL] },
    });
    const { small, large, cold } = fleet.endpoints;
    await using router = await routerBefore([small, large, cold]);
    for (let i = 0; i < 12; i++) {
      const body = { model: 'tiny', prompt: 'x', stream: false, options: { num_ctx: i % 2 === 0 ? 2048 : 8192 } };
      assert.equal((await router.ask('/api/generate', { body })).status, 200);
    }
    assert.deepEqual(counts(small, large, cold), [6, 6, 0]);
  });

  test("a wish that is no number is the endpoint's to refuse", async () => {
    await using fleet = await startFleet({ a: { kind: 'ollama', models: [MODEL] } });
    await using router = await routerBefore([fleet.endpoints.a]);
    for (const [options, status, error] of [
      [{ num_ctx: 'x' }, 500, 'option "num_ctx" must be of type integer'],
      [
        'x',
        400,
        'json: cannot unmarshal string into Go struct field GenerateRequest.options of type map[string]interface {}',
      ],
    ] as const) {
      const answer = await router.ask('/api/generate', { body: { model: 'tiny', prompt: 'x', options } });
      assert.deepEqual([answer.status, jsonOf(answer)], [status, { error }]);
    }
  });
});
