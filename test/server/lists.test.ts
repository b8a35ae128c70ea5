import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { asked } from '../support/records.ts';
import { eventually, type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, type Json, jsonOf, textOf } from '../support/wire.ts';

const OLD = { modifiedAt: new Date('2025-01-01T00:00:00Z') };

/** A fleet of every kind, with a name that several have. */
function fleetOfAllKinds() {
  return startFleet({
    a: {
      kind: 'ollama',
      models: ['tiny', { name: 'shared', digest: 'a'.repeat(64) }],
      loaded: ['tiny', 'shared'],
      version: '0.33.0-rc2',
    },
    b: {
      kind: 'ollama',
      models: [{ name: 'shared', digest: 'b'.repeat(64), ...OLD }],
      loaded: ['shared'],
      version: '0.9.10',
    },
    c: { kind: 'llama-server', models: ['org/llama:Q4_K_M'] },
    d: { kind: 'openai', models: ['gpt-x', 'ft:gpt/y'] },
    e: { kind: 'vllm', models: ['qwen'] },
  });
}

describe('lists of all models', () => {
  const names = (router: RunningRouter, path: string): Promise<string[]> =>
    router.ask(path).then((answer) => (jsonOf(answer).models ?? jsonOf(answer).data).map((m: Json) => m.name ?? m.id));

  test('/api/tags names every model once, the newest first, complete enough for the ollama command', async () => {
    await using fleet = await fleetOfAllKinds();
    await using router = await routerBefore(Object.values(fleet.endpoints));
    const answer = await router.ask('/api/tags');
    assert.equal(headerIn(answer, 'content-type'), 'application/json; charset=utf-8');
    const models: Json[] = jsonOf(answer).models;
    assert.deepEqual(models.map(({ name }) => name).sort(), [
      'ft:gpt/y',
      'gpt-x',
      'org/llama:Q4_K_M',
      'qwen',
      'shared:latest',
      'tiny:latest',
    ]);
    assert.equal(models.find(({ name }) => name === 'shared:latest').digest, 'a'.repeat(64));
    const times = models.map(({ modified_at: at }) => Date.parse(at));
    assert.deepEqual(
      times,
      times.toSorted((x, y) => y - x),
    );
    for (const model of models) {
      assert.equal(model.model, model.name);
      assert.match(model.digest, /^[0-9a-f]{64}$/);
      assert.equal(typeof model.size, 'number');
      assert.match(model.modified_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
      for (const field of ['parent_model', 'format', 'family', 'parameter_size', 'quantization_level'])
        assert.equal(typeof model.details[field], 'string', `${model.name} ${field}`);
      assert.ok(Array.isArray(model.details.families));
    }
  });

  test('/api/ps has a row for every model and digest that is loaded, and none of a hosted service', async () => {
    await using fleet = await fleetOfAllKinds();
    await using router = await routerBefore(Object.values(fleet.endpoints));
    const models: Json[] = jsonOf(await router.ask('/api/ps')).models;
    assert.deepEqual(
      models
        .map(({ name, digest }) => `${name} ${digest.slice(0, 1)}`)
        .filter((row) => /shared|gpt/.test(row))
        .sort(),
      ['shared:latest a', 'shared:latest b'],
    );
    for (const model of models) {
      assert.ok(Date.parse(model.expires_at) > Date.now(), model.name);
      for (const field of ['size', 'size_vram', 'context_length']) assert.equal(typeof model[field], 'number', field);
      assert.match(model.digest, /^[0-9a-f]{64}$/);
    }
  });

  test('/v1/models has the shape of OpenAI', async () => {
    await using fleet = await fleetOfAllKinds();
    await using router = await routerBefore(Object.values(fleet.endpoints));
    const list = jsonOf(await router.ask('/v1/models'));
    assert.equal(list.object, 'list');
    assert.deepEqual(list.data.map(({ id }: Json) => id).sort(), [
      'ft:gpt/y',
      'gpt-x',
      'org/llama:Q4_K_M',
      'qwen',
      'shared:latest',
      'tiny:latest',
    ]);
    for (const item of list.data) {
      assert.equal(item.object, 'model');
      assert.ok(Number.isInteger(item.created));
      assert.equal(typeof item.owned_by, 'string');
    }
    assert.deepEqual(await names(router, '/models'), await names(router, '/v1/models'));
  });

  test('/v1/models/{id} takes ids with slashes and colons, plain or encoded', async () => {
    await using fleet = await fleetOfAllKinds();
    await using router = await routerBefore(Object.values(fleet.endpoints));
    for (const [path, id] of [
      ['/v1/models/org/llama:Q4_K_M', 'org/llama:Q4_K_M'],
      ['/v1/models/org%2Fllama%3AQ4_K_M', 'org/llama:Q4_K_M'],
      ['/v1/models/org%2fllama:Q4_K_M/', 'org/llama:Q4_K_M'],
      ['/models/tiny', 'tiny'],
      ['/v1/models/ft:gpt/y?x=1', 'ft:gpt/y'],
    ] as const) {
      const answer = await router.ask(path);
      assert.equal(answer.status, 200, `${path}: ${textOf(answer)}`);
      assert.deepEqual([jsonOf(answer).id, jsonOf(answer).object], [id, 'model']);
    }
    const missing = await router.ask('/v1/models/no%2Fsuch');
    assert.equal(missing.status, 404);
    assert.deepEqual(jsonOf(missing).error, {
      message: "model 'no/such' not found",
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    });
    assert.equal((await router.ask('/v1/models/%zz')).status, 400);
  });

  test('HEAD answers with the length of what GET says, and without a body', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const path of ['/', '/api/tags', '/api/version', '/v1/models', '/v1/models/m', '/health']) {
      const [get, head] = [await router.ask(path), await router.ask(path, { method: 'HEAD' })];
      assert.equal(head.status, 200);
      assert.equal(headerIn(head, 'content-length'), String(get.body.length), path);
      assert.equal(headerIn(head, 'content-type'), headerIn(get, 'content-type'));
    }
  });
});

describe('/api/show', () => {
  test("is an Ollama server's own words, whichever field names the model", async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const body of [
      { model: 'm' },
      { name: 'm' },
      { model: '', name: 'm' },
      { model: 'm', name: '' },
      { model: 'm', verbose: true },
    ]) {
      const answer = await router.ask('/api/show', { body, headers: { 'User-Agent': 'GitHubCopilotChat/1' } });
      const direct = await fetch(`${endpoint.url}/api/show`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'User-Agent': 'GitHubCopilotChat/1' },
      });
      assert.equal(textOf(answer), await direct.text());
      assert.deepEqual(asked(endpoint).at(-2)?.json, body);
    }
    const answer = await router.ask('/api/show', { body: { model: 'x' } });
    assert.deepEqual([answer.status, jsonOf(answer)], [404, { error: "model 'x' not found" }]);
    const nameless = await router.ask('/api/show', { body: { model: '', name: '' } });
    assert.deepEqual([nameless.status, jsonOf(nameless)], [400, { error: 'model is required' }]);
  });

  test('is made up for every other listed model', async () => {
    await using fleet = await fleetOfAllKinds();
    const { c, d, e } = fleet.endpoints;
    await c.waitFor(() => c.loadedModels().length > 0);
    await using router = await routerBefore([c, d, e]);
    for (const { name } of jsonOf(await router.ask('/api/tags')).models) {
      const answer = await router.ask('/api/show', { body: { name } });
      assert.equal(answer.status, 200, name);
      const shown = jsonOf(answer);
      assert.equal(typeof shown.model_info['general.architecture'], 'string');
      assert.ok(Array.isArray(shown.capabilities) && shown.capabilities.length > 0);
      for (const field of ['template', 'parameters', 'license', 'modelfile', 'modified_at'])
        assert.equal(typeof shown[field], 'string');
    }
    for (const endpoint of [c, d, e]) assert.equal(asked(endpoint).length, 0);
  });

  test('is made up too where the Ollama server that could tell fails', async () => {
    await using fleet = await startFleet({ a: { kind: 'ollama', models: ['m'] }, b: { kind: 'vllm', models: ['m'] } });
    const { a, b } = fleet.endpoints;
    await using router = await routerBefore([a, b]);
    a.faults.add({ on: { path: '/api/show' }, cutAtByte: 'head' });
    const answer = await router.ask('/api/show', { body: { model: 'm' } });
    assert.deepEqual([answer.status, jsonOf(answer).modelfile], [200, '# synthesized']);
  });
});

describe('lists and states while an endpoint hangs', () => {
  test('are answered from what is known', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['m'] },
      b: { kind: 'ollama', models: ['n'] },
    });
    const { a, b } = fleet.endpoints;
    await using router = await routerBefore(
      [a, b],
      {},
      { healthy: 10, healthyOpenai: 10, unreachable: 10, timeout: 60_000 },
    );
    a.faults.add({ hang: true });
    a.forgetRequests();
    await a.waitFor((requests) => requests.length >= 3);
    for (const path of ['/api/tags', '/api/ps', '/api/version', '/v1/models', '/health', '/api/usage', '/api/config'])
      assert.equal((await router.ask(path)).status, 200, path);
    assert.equal(jsonOf(await router.ask('/api/tags')).models.length, 2);
  });
});

test('/api/version is the lowest of the Ollama servers that answer, as plain numbers', async () => {
  await using fleet = await fleetOfAllKinds();
  const { a, b, d } = fleet.endpoints;
  await using router = await routerBefore(
    [a, b, d],
    {},
    { healthy: 20, healthyOpenai: 20, unreachable: 20, timeout: 2_000 },
  );
  assert.deepEqual(jsonOf(await router.ask('/api/version')), { version: '0.9.10' });
  await b.stop();
  await eventually(async () => jsonOf(await router.ask('/api/version')).version === '0.33.0');
  await a.stop();
  await eventually(() => router.app.states().filter(({ health }) => health === 'healthy').length === 1);
  assert.deepEqual(jsonOf(await router.ask('/api/version')), { version: '0.9.10' });
  await using hosted = await routerBefore([d]);
  assert.match(jsonOf(await hosted.ask('/api/version')).version, /^\d+\.\d+\.\d+$/);
});
