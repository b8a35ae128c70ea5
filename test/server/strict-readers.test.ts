import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Fleet, startFleet } from '../../src/simulator/fleet.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { readPs, readPsDetails, readShow, readTags, readVersion } from '../support/strict-readers.ts';
import { type Json, jsonOf } from '../support/wire.ts';

describe('what the strictest readers of lists demand holds for every kind of endpoint (ux R7 to R10)', () => {
  let fleet: Fleet<string>;
  let router: RunningRouter;
  before(async () => {
    const capabilities = ['completion', 'tools', 'vision', 'thinking'] as const;
    fleet = await startFleet({
      old: { kind: 'ollama', version: '0.24.0', models: ['shared', 'hf.co/Org/Repo:Q4_K_M'], loaded: ['shared'] },
      fresh: {
        kind: 'ollama',
        version: '0.33.0-rc2',
        models: [{ name: 'shared', capabilities }, 'gpt-oss:20b-cloud'],
        loaded: ['shared'],
      },
      single: { kind: 'llama-server', models: [{ name: 'single', capabilities }] },
      many: { kind: 'llama-server', mode: 'router', models: ['warm', 'asleep:Q8_0'], loaded: ['warm'] },
      vllm: { kind: 'vllm', models: ['org/model'] },
      openai: { kind: 'openai', models: ['gpt-x', 'text-embedding-x'] },
    });
    router = await routerBefore(Object.values(fleet.endpoints));
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
  });

  const LISTS = [
    ['/api/tags', readTags, 9],
    ['/api/ps', readPs, 4],
    ['/api/ps_details', readPsDetails, 5],
  ] as const;
  for (const [path, read, rows] of LISTS) {
    test(path, async () => {
      const list = jsonOf(await router.ask(path));
      read(list, path);
      assert.equal(list.models.length, rows, JSON.stringify(list.models.map((model: Json) => model.name)));
    });
  }

  test('/api/show, for every model that is listed, by either field', async () => {
    const { models } = jsonOf(await router.ask('/api/tags'));
    for (const { name } of models) {
      for (const body of [
        { model: name },
        { model: '', system: '', template: '', verbose: false, options: null, name },
      ]) {
        const answer = await router.ask('/api/show', { body });
        assert.equal(answer.status, 200, name);
        readShow(jsonOf(answer), name);
      }
    }
  });

  test('/api/version is the lowest, without what follows its numbers', async () => {
    const answer = jsonOf(await router.ask('/api/version'));
    readVersion(answer, '/api/version');
    assert.equal(answer.version, '0.24.0');
  });

  test('a list that is polled again is the same list', async () => {
    const first = jsonOf(await router.ask('/api/tags'));
    assert.deepEqual(jsonOf(await router.ask('/api/tags')), first);
  });
});

test('without an Ollama the version is one that clients accept (ux R10)', async () => {
  await using fleet = await startFleet({ o: { kind: 'openai', models: ['gpt-x'] } });
  await using router = await routerBefore([fleet.endpoints.o]);
  const { version } = jsonOf(await router.ask('/api/version'));
  readVersion({ version }, '/api/version');
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  assert.ok(major > 0 || minor > 6 || (minor === 6 && patch >= 4), version);
});

describe('the readers refuse', () => {
  const details = {
    parent_model: '',
    format: '',
    family: '',
    families: [],
    parameter_size: '',
    quantization_level: '',
  };
  const row = { name: 'a', model: 'a', size: 1, digest: 'f'.repeat(64), details, modified_at: '2026-01-01T00:00:00Z' };
  readTags({ models: [row] }, 'a good row');
  const BROKEN: readonly (readonly [what: string, row: object])[] = [
    ['a short digest', { digest: 'abc' }],
    ['families that are null', { details: { ...details, families: null } }],
    ['a missing detail', { details: { parent_model: '' } }],
    ['a size as text', { size: '1' }],
    ['a time without a zone', { modified_at: '2026-01-01T00:00:00' }],
    ['no time', { modified_at: '' }],
    ['an error key', { error: null }],
    ['an unknown capability', { capabilities: ['multimodal'] }],
  ];
  for (const [what, fields] of BROKEN) {
    test(what, () => assert.throws(() => readTags({ models: [{ ...row, ...fields }] }, 'row'), assert.AssertionError));
  }
  test('a list that is null', () => assert.throws(() => readTags({ models: null }, 'list')));
  test('a version with a suffix', () => assert.throws(() => readVersion({ version: '0.33.0-rc2' }, 'version')));
});
