import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Fleet, startFleet } from '../../src/simulator/fleet.ts';
import { onlyAsked } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { jsonOf, textOf } from '../support/wire.ts';

const messages = [{ role: 'user', content: 'say 1 tokens' }];
/** Routes without their `/v1`. */
const ROUTES: Readonly<Record<string, object>> = {
  '/chat/completions': { messages },
  '/completions': { prompt: 'say 1 tokens' },
  '/embeddings': { input: 'a' },
  '/responses': { input: 'say 1 tokens' },
  '/messages': { messages, max_tokens: 5 },
  '/messages/count_tokens': { messages },
  '/rerank': { query: 'q', documents: ['a'] },
  '/reranking': { query: 'q', documents: ['a'] },
};

describe('2.1, 2.6, ux R23 a route is found by every path that clients are known to make of it', () => {
  let fleet: Fleet<'l'>;
  let router: RunningRouter;
  before(async () => {
    const able = { name: 'm', capabilities: ['completion', 'embedding', 'rerank'] } as const;
    fleet = await startFleet({ l: { kind: 'llama-server', models: [able], embeddings: true } });
    router = await routerBefore([fleet.endpoints.l]);
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
  });

  for (const [route, fields] of Object.entries(ROUTES)) {
    const written = [
      `/v1${route}`,
      route,
      `/v1/v1${route}`,
      `/v1/v1/v1${route}`,
      `/api/v1${route}`,
      `/api/v1/v1${route}`,
      `/ollama/v1${route}`,
      `//v1${route}`,
      `/v1/${route}`,
      `/v1${route.replaceAll('/', '//')}`,
      `/v1${route}/`,
      `${route}//`,
      `/v1${route}?x=%2F`,
      `http://elsewhere.test:1/v1${route}`,
    ];
    test(`${route}, under ${written.length} paths`, async () => {
      for (const path of written) {
        fleet.endpoints.l.forgetRequests();
        const answer = await router.ask(path, { body: { model: 'm', ...fields } });
        assert.equal(answer.status, 200, `${path}: ${textOf(answer)}`);
        const query = path.includes('?') ? '?x=%2F' : '';
        assert.equal(onlyAsked(fleet.endpoints.l).target, `/v1${route === '/reranking' ? '/rerank' : route}${query}`);
      }
    });

    test(`${route}, in its errors too`, async () => {
      const isAnthropic = route.startsWith('/messages');
      const expected = isAnthropic ? ['error', 'not_found_error'] : [undefined, 'invalid_request_error'];
      for (const path of written) {
        const answer = await router.ask(path, { body: { model: 'nope', ...fields } });
        const { type, error } = jsonOf(answer);
        assert.deepEqual([answer.status, type, error.type], [404, ...expected], path);
      }
    });
  }

  test('2.6 the second version of a rerank has its own path', async () => {
    for (const path of ['/v2/rerank', '//v2//rerank/', '/v2/rerank?x']) {
      const answer = await router.ask(path, { body: { model: 'm', query: 'q', documents: ['a'] } });
      assert.deepEqual([answer.status, typeof jsonOf(answer).meta], [200, 'object'], path);
    }
  });

  test('what no route is like is a 404 in the words of OpenAI, and may name the one that was meant', async () => {
    for (const [path, hint] of [
      ['/v1/chat/completion', 'POST /v1/chat/completions'],
      ['/v1/embedding', 'POST /v1/embeddings'],
      ['/v1/moderations', undefined],
      ['/v1/images/generations', undefined],
      ['/v1/responses/resp_1/cancel', undefined],
      ['/v2', undefined],
    ] as const) {
      const { error } = jsonOf(await router.ask(path, { body: { model: 'm' } }));
      assert.deepEqual([error.type, error.code], ['invalid_request_error', 'unknown_route'], path);
      if (hint !== undefined) assert.ok(error.message.endsWith(`did you mean ${hint}?`), error.message);
    }
  });
});
