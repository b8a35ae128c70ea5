import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import { counts, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { jsonOf } from '../support/wire.ts';

const PATH = '/v1/systemone';

describe("/v1/systemone of Ollama's own clients is forwarded (contract 0)", () => {
  test('to an endpoint that has the model, to the letter, and its tokens are counted', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', version: '0.33.0', models: ['tiny'] },
      b: { kind: 'ollama', version: '0.33.0', models: ['other'] },
    });
    const { a, b } = fleet.endpoints;
    await using router = await routerBefore([a, b]);
    const body =
      '{ "questions": {"q": {"type":"noul","instructions":["x"]}}, "state": {"n":1.0}, "model":"tiny", "keep_alive": "5m"}';
    const answer = jsonOf(await router.ask(PATH, { body }));
    assert.deepEqual([answer.model, answer.answers], ['tiny', { q: { type: 'noul', noul: 0.75 } }]);
    assert.equal(onlyAsked(a).body.toString(), body);
    assert.deepEqual(counts(b), [0]);
    const spent = answer.usage.input_tokens + answer.usage.output_tokens;
    assert.deepEqual(jsonOf(await router.ask('/api/usage')).token_usage_counts, { [a.url]: { 'tiny:latest': spent } });
  });

  test('from one that knows no such route to one that does', async () => {
    await using fleet = await startFleet({
      old: { kind: 'ollama', models: ['tiny'], loaded: ['tiny'] },
      fresh: { kind: 'ollama', version: '0.33.0', models: ['tiny'] },
    });
    const { old, fresh } = fleet.endpoints;
    await using router = await routerBefore([old, fresh]);
    assert.equal((await router.ask(PATH, { body: { model: 'tiny', state: '', questions: {} } })).status, 200);
    assert.deepEqual(counts(old, fresh), [1, 1]);
  });

  test("and refused in Ollama's form, which these clients read", async () => {
    await using fleet = await startFleet({ old: { kind: 'ollama', models: ['tiny'] } });
    await using router = await routerBefore([fleet.endpoints.old]);
    const refused = async (body: object) => {
      const answer = await router.ask(PATH, { body });
      return [answer.status, jsonOf(answer)];
    };
    assert.deepEqual(await refused({ model: 'tiny' }), [404, { error: '404 page not found' }]);
    assert.deepEqual(await refused({ model: 'nobody' }), [404, { error: "model 'nobody' not found" }]);
    assert.deepEqual(await refused({ model: 'a b' }), [400, { error: 'invalid model name' }]);
    assert.deepEqual(await refused({}), [400, { error: 'model is required' }]);
  });
});
