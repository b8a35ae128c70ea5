import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { startFleet } from '../../src/simulator/fleet.ts';
import { onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { readPs, readTags } from '../support/strict-readers.ts';
import { type Json, jsonOf, textOf } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'say 2 tokens' }];
const FIELDS = { messages: MESSAGES, prompt: 'say 2 tokens', input: 'x', max_tokens: 2 };
const ROUTES = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/messages', '/api/chat'] as const;

describe('3.2 a server of one model answers by its own name; the client reads the one it wrote (1.3, 4.4)', () => {
  for (const route of ROUTES) {
    for (const name of ['own', 'own:latest', 'nick']) {
      test(`${route} asked for ${name}`, async () => {
        const capabilities = route === '/v1/embeddings' ? (['embedding'] as const) : (['completion'] as const);
        await using endpoint = await startSimulatedEndpoint({
          kind: 'llama-server',
          models: [{ name: 'own', aliases: ['nick'], capabilities }],
          embeddings: true,
        });
        await using router = await routerBefore([endpoint]);
        const answer = await router.ask(route, { body: { model: name, stream: false, ...FIELDS } });
        assert.equal(answer.status, 200, textOf(answer));
        assert.equal(jsonOf(answer).model, name);
      });
    }
  }

  test('in every record of a stream, too', async () => {
    await using endpoint = await startSimulatedEndpoint({
      kind: 'llama-server',
      models: [{ name: 'own', aliases: ['nick'] }],
    });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask('/v1/chat/completions', { body: { model: 'nick', stream: true, ...FIELDS } });
    const names = [...textOf(answer).matchAll(/"model":"([^"]*)"/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(names)], ['nick']);
  });
});

/** Ids that llama-server makes of files, repositories and aliases. */
const IDS = ['/models/qwen3.gguf', 'models/Qwen3 4B.gguf', 'C:\\models\\x.gguf', 'a:b:c', 'hf.co/a/b', 'ünï', 'm@1'];

describe('4.9 whatever a model is called, every list has it and every route takes its names:', () => {
  for (const id of IDS) {
    test(id, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: [id] });
      await using router = await routerBefore([endpoint]);
      const tags = jsonOf(await router.ask('/api/tags'));
      readTags(tags, 'tags');
      readPs(jsonOf(await router.ask('/api/ps')), 'ps');
      for (const name of [id, tags.models[0].name]) {
        for (const route of ['/api/chat', '/v1/chat/completions', '/api/show']) {
          const answer = await router.ask(route, { body: { model: name, stream: false, ...FIELDS } });
          assert.equal(answer.status, 200, `${route} ${name}: ${textOf(answer)}`);
        }
        const found = await router.ask(`/v1/models/${encodeURIComponent(name)}`);
        assert.equal(found.status, 200, name);
      }
    });
  }
});

test('3.3 names of the Hugging Face hub are found with and without host, owner and spelling of the quantisation', async () => {
  const id = 'hf.co/unsloth/Qwen3-4B-GGUF:Q4_K_M';
  const two = ['ggml-org/gemma-3-4b-it-GGUF:Q4_K_M', 'ggml-org/gemma-3-4b-it-GGUF:Q8_0'];
  const named: readonly (readonly [string, string | undefined])[] = [
    [id, id],
    ['unsloth/Qwen3-4B-GGUF:Q4_K_M', id],
    ['ggml-org/gemma-3-4b-it-GGUF:q8_0', two[1]],
    // Which one is meant nobody can tell.
    ['ggml-org/gemma-3-4b-it-GGUF', undefined],
  ];
  for (const [name, wanted] of named) {
    await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', mode: 'router', models: [id, ...two] });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask('/api/chat', { body: { model: name, stream: false, messages: MESSAGES } });
    assert.equal(answer.status, wanted === undefined ? 404 : 200, `${name}: ${textOf(answer)}`);
    if (wanted === undefined) continue;
    assert.deepEqual([onlyAsked(endpoint).model, jsonOf(answer).model], [wanted, name]);
  }
});

test('3.4 as many requests as llama-server has slots run at once, the next ones run elsewhere', async () => {
  await using fleet = await startFleet({
    small: { kind: 'llama-server', models: ['m'], slots: 1 },
    large: { kind: 'llama-server', models: ['m'], slots: 3 },
  });
  const { small, large } = fleet.endpoints;
  await using router = await routerBefore([small, large]);
  for (const endpoint of [small, large]) endpoint.faults.add({ on: { method: 'POST' }, stallAfterTokens: 1 });
  await using clients = new AsyncDisposableStack();
  for (let running = 1; running <= 4; running++) {
    const client = clients.use(await router.open());
    client.request('/v1/chat/completions', { body: { model: 'm', stream: true, messages: MESSAGES } });
    await router.untilInFlight((now) => total(now) === running);
  }
  await large.waitFor(() => small.inFlight('m') + large.inFlight('m') === 4);
  assert.deepEqual([small.inFlight('m'), large.inFlight('m')], [1, 3]);
});

function total(inFlight: Json): number {
  const counts = Object.values(inFlight).flatMap((models) => Object.values(models as Record<string, number>));
  return counts.reduce((sum, count) => sum + count, 0);
}
