import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Fleet, startFleet } from '../../src/simulator/fleet.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { askWire, jsonOf, type WireAnswer } from '../support/wire.ts';

const user = [{ role: 'user', content: 'Tell me 2 tokens' }];
const ROUTES = ['/api/chat', '/api/generate', '/api/embed', '/api/embeddings', '/api/show'] as const;

function body(model: string) {
  return { model, messages: user, prompt: 'x', input: 'x', stream: false };
}

function said({ status, headers, body: bytes }: WireAnswer) {
  return {
    status,
    type: headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1],
    ...JSON.parse(bytes.toString()),
  };
}

describe('names that no endpoint knows get the words that Ollama has for them (contract 1.3)', () => {
  let fleet: Fleet<'ollama' | 'llama'>;
  let router: RunningRouter;
  before(async () => {
    fleet = await startFleet({
      ollama: { kind: 'ollama', models: ['tiny'] },
      llama: { kind: 'llama-server', models: ['other'] },
    });
    router = await routerBefore(Object.values(fleet.endpoints));
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
  });

  const NAMES = [
    'nobody',
    ' ',
    ' nobody ',
    'nobody:local ',
    'http://nobody',
    'http://ns/nobody',
    'x//y',
    '-x',
    'x:-y',
    '.x',
    'x: y',
    'x@sha256:abc',
    'NoBody:8B',
    'nobody:local',
    'me/nobody',
    'reg:5000/ns/nobody',
    'http://reg:5000/ns/nobody',
    '',
    'a b',
    'x:',
    ':x',
    '/x',
    'a/b/c/d',
    'reg:5000/foo',
    'x:8b:16k',
    'x:local:local',
    'x:cloud:local',
    'x:local:cloud',
    'x:20b-cloud:local',
    'x'.repeat(81),
  ];
  for (const path of ROUTES) {
    for (const name of NAMES) {
      test(`${path} to ${JSON.stringify(name.slice(0, 30))}`, async () => {
        const headers = { Host: 'localhost' };
        const own = said(await askWire(fleet.endpoints.ollama.port, path, { headers, body: body(name) }));
        assert.deepEqual(said(await router.ask(path, { body: body(name) })), own);
        assert.ok(own.status === 404 || own.status === 400);
      });
    }
  }

  test('a cloud name is unknown where no endpoint is marked for the cloud', async () => {
    const answer = await router.ask('/api/chat', { body: body('kimi:cloud') });
    assert.deepEqual([answer.status, jsonOf(answer)], [404, { error: "model 'kimi:cloud' not found" }]);
  });
});

describe('one model under all its spellings (contract 1.3)', () => {
  const SPELLINGS = [
    'tiny',
    'TINY:Latest',
    'library/tiny',
    'Library/Tiny:LATEST',
    'registry.ollama.ai/library/tiny',
    'https://registry.ollama.ai/library/tiny:latest',
    'tiny:local',
    ' tiny ',
    'tiny:LOCAL ',
    'tiny:latest:LOCAL',
  ];
  for (const model of SPELLINGS) {
    test(`${model} is found, and the answer echoes it`, async () => {
      await using fleet = await startFleet({ a: { kind: 'ollama', models: ['tiny'] } });
      await using router = await routerBefore([fleet.endpoints.a]);
      for (const [path, stream] of [
        ['/api/chat', false],
        ['/api/chat', true],
        ['/api/generate', true],
        ['/api/embed', false],
      ] as const) {
        const answer = await router.ask(path, { body: { ...body(model), stream } });
        assert.equal(answer.status, 200);
        for (const line of answer.body.toString().trim().split('\n')) assert.equal(JSON.parse(line).model, model, path);
      }
    });
  }

  const ELSEWHERE = [
    ['hf.co/Org/Repo:Q4', 'hf.co/org/repo:q4'],
    ['reg.local:5000/me/tiny', 'REG.local:5000/me/tiny:latest'],
    ['me/tiny', 'registry.ollama.ai/me/tiny'],
  ] as const;
  for (const [listed, asks] of ELSEWHERE) {
    test(`${listed} is found as ${asks}`, async () => {
      await using fleet = await startFleet({ a: { kind: 'ollama', models: [listed] } });
      await using router = await routerBefore([fleet.endpoints.a]);
      const answer = await router.ask('/api/chat', { body: body(asks) });
      assert.deepEqual([answer.status, jsonOf(answer).model], [200, asks]);
    });
  }
});

describe('cloud names go to an endpoint that is marked for the cloud (contract 1.3)', () => {
  let fleet: Fleet<'local' | 'signed'>;
  let router: RunningRouter;
  before(async () => {
    fleet = await startFleet({
      local: { kind: 'ollama', models: ['tiny', 'gpt-oss:20b-cloud'] },
      signed: { kind: 'ollama', models: ['tiny'], account: 'somebody' },
    });
    router = await routerBefore([fleet.endpoints.local, { at: fleet.endpoints.signed, cloud: true }]);
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
  });

  for (const model of ['kimi:cloud', 'Kimi:CLOUD', 'x:20b:cloud', 'x:20b-cloud', 'me/x:cloud', 'gpt-oss:20b:cloud']) {
    test(`${model}, listed or not, and the answer echoes it`, async () => {
      fleet.endpoints.local.forgetRequests();
      fleet.endpoints.signed.forgetRequests();
      const answer = await router.ask('/api/chat', { body: body(model) });
      assert.deepEqual([answer.status, jsonOf(answer).model], [200, model]);
      assert.equal(onlyAsked(fleet.endpoints.signed).model, model);
      assert.equal(asked(fleet.endpoints.local).length, 0);
    });
  }

  test("is in nobody's memory", async () => {
    assert.equal((await router.ask('/api/chat', { body: body('kimi:cloud') })).status, 200);
    assert.deepEqual(jsonOf(await router.ask('/api/ps')), { models: [] });
    const answer = await router.ask('/api/chat', { body: { model: 'kimi:cloud', keep_alive: 0 } });
    assert.equal(jsonOf(answer).done_reason, 'unload');
  });

  test('a server that may serve some models only runs no other cloud model', async () => {
    await using narrow = await routerBefore([{ at: fleet.endpoints.signed, cloud: true, models: ['x:20b-cloud'] }]);
    assert.equal((await narrow.ask('/api/chat', { body: body('x:20b:cloud') })).status, 200);
    assert.equal((await narrow.ask('/api/chat', { body: body('kimi:cloud') })).status, 404);
  });

  test('a cloud model that an endpoint lists is found under both spellings without a mark', async () => {
    await using other = await startFleet({ a: { kind: 'ollama', account: 'me', models: ['gpt-oss:20b-cloud'] } });
    await using one = await routerBefore([other.endpoints.a]);
    const statuses: number[] = [];
    for (const model of ['gpt-oss:20b:cloud', 'GPT-OSS:20b-Cloud', 'gpt-oss:120b:cloud', 'gpt-oss:20b'])
      statuses.push((await one.ask('/api/chat', { body: body(model) })).status);
    assert.deepEqual(statuses, [200, 200, 404, 404]);
    assert.equal((await one.ask('/v1/models/gpt-oss:20b')).status, 404);
  });

  test("says who must sign in, in the server's own words", async () => {
    await using out = await startFleet({ a: { kind: 'ollama', models: [] } });
    await using one = await routerBefore([{ at: out.endpoints.a, cloud: true }]);
    const answer = await one.ask('/api/chat', { body: body('kimi:cloud') });
    const { error, signin_url: address } = jsonOf(answer);
    assert.deepEqual([answer.status, error], [401, 'unauthorized']);
    assert.match(address, /^https:\/\/ollama\.com\/connect\?/);
  });
});
