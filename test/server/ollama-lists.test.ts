import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startFleet } from '../../src/simulator/fleet.ts';
import { ONCE, routerBefore } from '../support/router.ts';
import { type Json, jsonOf } from '../support/wire.ts';

const day = (n: number) => new Date(Date.UTC(2026, 0, n));
const digest = (letter: string) => letter.repeat(64);
const names = (list: Json) => list.models.map((model: Json) => model.name);

describe('/api/tags is the union of the endpoints (contract 1.5)', () => {
  test('newest first, each name once, with all the fields that its endpoint gave', async () => {
    await using fleet = await startFleet({
      a: {
        kind: 'ollama',
        version: '0.32.15',
        models: [
          { name: 'old', modifiedAt: day(1) },
          { name: 'both', modifiedAt: day(2), digest: digest('a') },
        ],
      },
      b: {
        kind: 'ollama',
        models: [
          { name: 'new', modifiedAt: day(9) },
          { name: 'Both', modifiedAt: day(5), digest: digest('b') },
        ],
      },
      l: { kind: 'llama-server', models: ['llama'] },
      o: { kind: 'openai', models: ['gpt-x'] },
    });
    const { a, b, l, o } = fleet.endpoints;
    await using router = await routerBefore([a, b, l, o]);
    const list = jsonOf(await router.ask('/api/tags'));
    assert.deepEqual(
      names(list).filter((name: string) => !/^(llama|gpt)/.test(name)),
      ['new:latest', 'Both:latest', 'old:latest'],
    );
    assert.deepEqual(
      names(list)
        .filter((name: string) => /^(llama|gpt)/.test(name))
        .sort(),
      ['gpt-x', 'llama:latest'],
    );
    const entry = (name: string) => list.models.find((model: Json) => model.name === name);
    assert.equal(entry('Both:latest').digest, digest('b'), 'the newest of those that differ');
    assert.deepEqual(entry('old:latest').capabilities, ['completion', 'tools']);
    assert.equal(entry('old:latest').details.context_length, 8192);
    const times = list.models.map((model: Json) => Date.parse(model.modified_at));
    assert.deepEqual(
      times,
      times.toSorted((x: number, y: number) => y - x),
    );
  });

  test('an endpoint that dies, hangs or breaks off takes only its own models along', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: ['mine'], loaded: ['mine'] },
      dead: { kind: 'ollama', models: ['dead'] },
      hanging: { kind: 'ollama', models: ['hanging'] },
      broken: { kind: 'ollama', models: ['broken'] },
    });
    const { a, dead, hanging, broken } = fleet.endpoints;
    hanging.faults.add({ hang: true });
    broken.faults.add({ on: { path: /tags|ps/ }, cutAtByte: 20 });
    await dead.stop();
    await using router = await routerBefore([a, dead, hanging, broken], {}, { ...ONCE, timeout: 500 });
    for (const path of ['/api/tags', '/api/ps', '/api/ps_details'])
      assert.deepEqual(names(jsonOf(await router.ask(path))), ['mine:latest'], path);
    assert.equal(jsonOf(await router.ask('/api/version')).version, '0.24.0');
    assert.deepEqual((await router.ask('/v1/models')).status, 200);
  });

  test('without any endpoint that answers the lists are empty, not null', async () => {
    await using fleet = await startFleet({ dead: { kind: 'ollama', models: ['x'] } });
    await fleet.endpoints.dead.stop();
    await using router = await routerBefore([fleet.endpoints.dead]);
    for (const path of ['/api/tags', '/api/ps', '/api/ps_details'])
      assert.deepEqual(jsonOf(await router.ask(path)), { models: [] }, path);
  });
});

describe('/api/ps and /api/ps_details say what is loaded (contract 1.5)', () => {
  const MODEL = { name: 'both', digest: digest('a') };

  test('ps has a row per model and digest, ps_details one per endpoint, llama-server included', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: [MODEL, 'cold'], loaded: ['both'] },
      b: { kind: 'ollama', models: [MODEL], loaded: ['both'] },
      l: { kind: 'llama-server', mode: 'router', models: ['warm', 'asleep'], loaded: ['warm'] },
    });
    const { a, b, l } = fleet.endpoints;
    await using router = await routerBefore([a, b, l]);
    assert.deepEqual(names(jsonOf(await router.ask('/api/ps'))).sort(), ['both:latest', 'warm:latest']);
    const { models } = jsonOf(await router.ask('/api/ps_details'));
    const places = models.map((row: Json) => [row.name, row.endpoint]).sort();
    const expected = [
      ['both:latest', a.url],
      ['both:latest', b.url],
      ['warm:latest', l.url],
    ];
    assert.deepEqual(places, expected.sort());
    assert.ok(models.every((row: Json) => row.differs === undefined && typeof row.size_vram === 'number'));
  });

  test('a tag with another digest elsewhere is marked as one that differs, and is no error (ux R31)', async () => {
    await using fleet = await startFleet({
      a: { kind: 'ollama', models: [MODEL, 'same'], loaded: ['both', 'same'] },
      b: { kind: 'ollama', models: [{ name: 'BOTH', digest: digest('b') }, 'same'] },
      l: { kind: 'llama-server', models: ['same:latest'] },
    });
    const { a, b, l } = fleet.endpoints;
    await using router = await routerBefore([a, b, l]);
    const { models } = jsonOf(await router.ask('/api/ps_details'));
    const marked = models.filter((row: Json) => row.differs === true).map((row: Json) => [row.name, row.endpoint]);
    assert.deepEqual(marked, [['both:latest', a.url]]);
    const marks = jsonOf(await router.ask('/api/ps')).models.map((row: Json) => 'error' in row || 'differs' in row);
    assert.deepEqual(new Set(marks), new Set([false]));
    const told = router.log.filter((line) => line.includes('differs'));
    assert.equal(told.length, 1, told.join('\n'));
    assert.match(
      told[0] ?? '',
      /model both:latest differs: (aaaaaaaaaaaa on .*, bbbbbbbbbbbb on |bbbbbbbbbbbb on .*, aaaaaaaaaaaa on )/i,
    );
  });
});

test('nothing that is polled wakes, unloads or reloads a model (contract 0)', async () => {
  await using fleet = await startFleet({
    a: { kind: 'ollama', models: ['warm', 'cold'], loaded: ['warm'] },
    l: { kind: 'llama-server', mode: 'router', models: ['warm', 'cold'], loaded: ['warm'] },
  });
  const { a, l } = fleet.endpoints;
  const busy = { healthy: 1, healthyOpenai: 1, unreachable: 1, timeout: 2_000 };
  await using router = await routerBefore([a, l], {}, busy);
  const paths = [
    '/api/tags',
    '/api/ps',
    '/api/ps_details',
    '/api/version',
    '/v1/models',
    '/health',
    '/api/config',
    '/api/status',
  ];
  for (let round = 0; round < 5; round++) for (const path of paths) await router.ask(path);
  await l.waitFor((requests) => requests.filter(({ path }) => path === '/v1/models').length > 5);
  assert.deepEqual([a.loadedModels(), l.loadedModels()], [['warm:latest'], ['warm']]);
  assert.ok([...a.requests, ...l.requests].every(({ method }) => method === 'GET'));
});
