import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Fleet, startFleet } from '../../src/simulator/fleet.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

describe('paths and methods (contract 1.1, ux R2, R12, R23)', () => {
  let fleet: Fleet<'a'>;
  let router: RunningRouter;
  before(async () => {
    fleet = await startFleet({ a: { kind: 'ollama', models: ['tiny'] } });
    router = await routerBefore([fleet.endpoints.a]);
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
  });

  const ALLOW = [
    ['GET', '/api/chat', 'POST'],
    ['GET', '/api/embed', 'POST'],
    ['HEAD', '/api/embeddings', 'POST'],
    ['GET', '/api/generate', 'POST'],
    ['GET', '/api/show', 'POST'],
    ['GET', '/v1/systemone', 'POST'],
    ['POST', '/api/tags', 'GET, HEAD'],
    ['DELETE', '/api/ps', 'GET, HEAD'],
    ['POST', '/api/ps_details', 'GET, HEAD'],
    ['POST', '/api/status', 'GET, HEAD'],
    ['GET', '/api/me', 'POST'],
    ['DELETE', '/api/signout', 'POST'],
    ['GET', '/api/user/keys/x', 'DELETE'],
    ['DELETE', '/api/experimental/x', 'GET, HEAD, POST'],
    ['PUT', '//api/tags/', 'GET, HEAD'],
  ] as const;
  for (const [method, path, allow] of ALLOW) {
    test(`${method} ${path} is 405 with Allow: ${allow}`, async () => {
      const answer = await router.ask(path, { method });
      assert.deepEqual([answer.status, headerIn(answer, 'allow')], [405, allow]);
      if (method !== 'HEAD') assert.match(textOf(answer), /is not allowed on/);
    });
  }

  for (const path of ['/', '/api/version', '/api/tags', '/api/ps', '/api/ps_details', '/api/status', '/v1/models']) {
    test(`HEAD ${path} is GET without its body`, async () => {
      const get = await router.ask(path);
      const head = await router.ask(path, { method: 'HEAD' });
      assert.deepEqual([head.status, textOf(head)], [200, '']);
      assert.equal(headerIn(head, 'content-type'), headerIn(get, 'content-type'));
    });
  }

  for (const path of ['//api/tags', '/api/tags/', '/api//tags//', '/ollama/api/tags', 'http://router.test/api/tags']) {
    test(`GET ${path} lists the models`, async () => {
      const answer = await router.ask(path);
      assert.deepEqual([answer.status, jsonOf(answer).models[0].name], [200, 'tiny:latest']);
    });
  }

  for (const path of ['/api/chat/', '//api/chat', '/api/chat//']) {
    test(`POST ${path} answers without a redirect`, async () => {
      const answer = await router.ask(path, { body: { model: 'tiny', messages: [], stream: false } });
      assert.deepEqual([answer.status, jsonOf(answer).done_reason], [200, 'load']);
    });
  }

  const UNKNOWN = [
    ['POST', '/api/chats', 'no route POST /api/chats; did you mean POST /api/chat?'],
    ['GET', '/api/tag', 'no route GET /api/tag; did you mean GET /api/tags?'],
    ['GET', '/quite/elsewhere/altogether', 'no route GET /quite/elsewhere/altogether'],
  ] as const;
  for (const [method, path, error] of UNKNOWN) {
    test(`${method} ${path} is a 404 in JSON`, async () => {
      const answer = await router.ask(path, { method });
      assert.deepEqual([answer.status, jsonOf(answer)], [404, { error }]);
    });
  }

  test("an error on an OpenAI path without /v1 has OpenAI's shape", async () => {
    const answer = await router.ask('/chat/completions', { body: { model: 'nobody', messages: [] } });
    assert.deepEqual([answer.status, jsonOf(answer).error.code], [404, 'model_not_found']);
  });

  test('a body is JSON whatever it is called, and the first value alone counts', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'nonsense', '']) {
      const headers = type === '' ? {} : { 'Content-Type': type };
      const answer = await router.ask('/api/show', { headers, body: '{"model":"","NAME":"tiny"} {' });
      assert.equal(answer.status, 200, type);
    }
  });

  test('an empty body is missing, on every route that wants one', async () => {
    for (const path of ['/api/chat', '/api/generate', '/api/embed', '/api/embeddings', '/api/show', '/v1/systemone']) {
      const answer = await router.ask(path, { method: 'POST', body: '' });
      assert.deepEqual([answer.status, jsonOf(answer)], [400, { error: 'missing request body' }], path);
    }
  });
});
