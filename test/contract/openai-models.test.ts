import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, type Json, jsonOf, textOf } from '../support/wire.ts';

const LIST = '/v1/models';

/** What the router lists where an endpoint of kind `openai` lists this, and its other models. */
async function listed(body: string, others: readonly string[] = []): Promise<Json> {
  await using fleet = await startFleet({
    odd: { kind: 'openai', models: ['unlisted'] },
    other: { kind: 'vllm', models: [...others] },
  });
  fleet.endpoints.odd.faults.add({
    on: { path: LIST },
    status: 200,
    body,
    headers: { 'Content-Type': 'application/json' },
  });
  await using router = await routerBefore(Object.values(fleet.endpoints));
  // A list that is odd is no reason to call its endpoint broken.
  assert.equal(jsonOf(await router.ask('/health')).status, 'ok');
  return jsonOf(await router.ask(LIST));
}

describe('2.5 whatever endpoints list, the list is complete in every item', () => {
  const ODD: readonly [name: string, body: string][] = [
    ['null for no models', '{"object":"list","data":null}'],
    ['an empty list', '{"object":"list","data":[]}'],
    ['items that name nothing', '{"data":[{},null,5,"m",{"id":5},{"id":null},{"id":""}]}'],
  ];
  for (const [name, body] of ODD) {
    test(`${name} is an empty list, or adds nothing to the others`, async () => {
      assert.deepEqual(await listed(body), { object: 'list', data: [] });
      assert.deepEqual(
        (await listed(body, ['m'])).data.map((item: Json) => item.id),
        ['m'],
      );
    });
  }

  test('fields that lack or are of another type are made up, and extras stay', async () => {
    const said =
      '{"data":[{"id":"a"},{"id":"b","object":"x","created":"now","owned_by":null,"meta":{"n_ctx":7},"status":{"value":"loaded"}}]}';
    assert.deepEqual((await listed(said)).data, [
      { id: 'a', object: 'model', created: 0, owned_by: 'openai' },
      { id: 'b', object: 'model', created: 0, owned_by: 'openai', meta: { n_ctx: 7 }, status: { value: 'loaded' } },
    ]);
  });

  test('one id of several endpoints is one item', async () => {
    const { data } = await listed('{"data":[{"id":"a"},{"id":"a"},{"id":"b"}]}', ['b', 'a', 'c']);
    assert.deepEqual(data.map((item: Json) => item.id).toSorted(), ['a', 'b', 'c']);
  });
});

test('2.5 names of Ollama are one however they are written, belong to their namespace, and are as old as their files', async () => {
  const modifiedAt = new Date('2026-08-01T10:00:00.900Z');
  await using fleet = await startFleet({
    a: { kind: 'ollama', models: ['Tiny', { name: 'me/x', modifiedAt }, 'hf.co/org/Repo:Q4'] },
    b: { kind: 'ollama', models: ['tiny:latest'] },
  });
  await using router = await routerBefore(Object.values(fleet.endpoints));
  const { data } = jsonOf(await router.ask(LIST));
  assert.deepEqual(data.map((item: Json) => [item.id, item.owned_by]).toSorted(), [
    ['Tiny:latest', 'library'],
    ['hf.co/org/Repo:Q4', 'org'],
    ['me/x:latest', 'me'],
  ]);
  assert.equal(data.find((item: Json) => item.id === 'me/x:latest').created, 1785578400);
});

describe('2.1, 2.5 an id may hold whatever the path of a URL may not', () => {
  const ID = 'org/\u00fcn\u00ef mod#1?%2F+a:b';
  const PATHS: readonly [path: string, id: string][] = [
    [encodeURIComponent(ID), ID],
    [encodeURIComponent(ID).replaceAll('%2F', '/').replaceAll('%3A', ':'), ID],
    [encodeURIComponent(ID).replace(/%../g, (byte) => byte.toLowerCase()), ID],
    ['//models/abs.gguf', '/models/abs.gguf'],
    ['%2Fmodels%2Fabs.gguf', '/models/abs.gguf'],
    ['nick/name', 'nick/name'],
    ['nick%2Fname/', 'nick/name'],
    ['nick%2Fname:latest', 'nick/name:latest'],
  ];
  for (const [path, id] of PATHS) {
    test(`${path} is ${id}`, async () => {
      await using fleet = await startFleet({
        v: { kind: 'vllm', models: [ID] },
        l: { kind: 'llama-server', models: [{ name: '/models/abs.gguf', aliases: ['nick/name'] }] },
      });
      await using router = await routerBefore(Object.values(fleet.endpoints));
      for (const prefix of ['/v1/models', '/models', '/v1/v1/models', '/api/v1/models']) {
        const whole = path.startsWith('/') ? `${prefix}${path}` : `${prefix}/${path}`;
        // Two slashes are one but behind the route's own path, where they belong to the id.
        if (path.startsWith('//') && prefix !== '/v1/models') continue;
        const answer = await router.ask(whole);
        assert.deepEqual([answer.status, jsonOf(answer).id, jsonOf(answer).object], [200, id, 'model'], whole);
        const head = await router.ask(whole, { method: 'HEAD' });
        assert.deepEqual([head.status, textOf(head)], [200, '']);
        assert.equal(headerIn(head, 'content-length'), String(answer.body.length));
      }
    });
  }

  test('one that is not encoded properly is a 400, one that is unknown a 404', async () => {
    await using fleet = await startFleet({ v: { kind: 'vllm', models: ['m'] } });
    await using router = await routerBefore([fleet.endpoints.v]);
    for (const path of ['%zz', '%', '%E0%A4%A']) assert.equal((await router.ask(`${LIST}/${path}`)).status, 400, path);
    const { error } = jsonOf(await router.ask(`${LIST}/a%2Fb/c%20d`));
    assert.deepEqual(
      [error.message, error.code, error.param],
      ["model 'a/b/c d' not found", 'model_not_found', 'model'],
    );
  });
});

test('2.5 every name that is listed is accepted by inference, and found by its id', async () => {
  const able = ['completion'] as const;
  await using fleet = await startFleet({
    o: { kind: 'ollama', models: ['tiny', 'me/x:7b'] },
    l: { kind: 'llama-server', models: [{ name: '/m/a b.gguf', aliases: ['nick', 'al/ias'], capabilities: able }] },
    r: { kind: 'llama-server', mode: 'router', models: ['org/repo:Q4_K_M', 'tiny'] },
    v: { kind: 'vllm', models: ['org/\u00fcn\u00ef'] },
    x: { kind: 'openai', models: ['gpt', 'ft:gpt/x::y'] },
  });
  await using router = await routerBefore(Object.values(fleet.endpoints));
  const ids: string[] = jsonOf(await router.ask(LIST)).data.map((item: Json) => item.id);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, 10);
  for (const id of ids) {
    assert.equal(jsonOf(await router.ask(`${LIST}/${encodeURIComponent(id)}`)).id, id);
    const messages = [{ role: 'user', content: 'say 1 tokens' }];
    const answer = await router.ask('/v1/chat/completions', { body: { model: id, messages } });
    assert.equal(answer.status, 200, `${id}: ${textOf(answer)}`);
  }
});
