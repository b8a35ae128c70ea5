import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask, type Json } from '../contract/ask.ts';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { readPs, readPsDetails, readShow, readTags, readVersion } from '../support/strict-readers.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

const missing = realServersMissing();
const ROUTES = ['/api/chat', '/api/generate', '/api/embed', '/api/embeddings', '/api/show'] as const;
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
  'a/b/c/d',
  'reg:5000/foo',
  'x:8b:16k',
  'x:local:local',
  'x:cloud:local',
  'x:20b-cloud:local',
] as const;

describe('Ollama routes of real servers, directly and through the router', { skip: missing ?? false }, () => {
  let a: RealServer;
  let b: RealServer;
  let llama: RealServer;
  let router: RunningRouter;
  before(async () => {
    a = await startRealOllama();
    [b, llama] = await Promise.all([startRealOllama(a), startRealLlamaServer({ models: 'stories' })]);
    router = await startRouter({ endpoints: [a.url, b.url, { url: llama.url, kind: 'llama-server' }] });
  });
  after(async () => {
    for (const part of [router, a, b, llama]) await part[Symbol.asyncDispose]();
  });

  const said = async (url: string, path: string, body: object, method?: string) => {
    const answer = await ask(url, path, { body, ...(method !== undefined && { method }) });
    return [answer.status, answer.headers['content-type'], timeless(JSON.parse(answer.text))];
  };
  const same = async (path: string, body: object) =>
    assert.deepEqual(
      await said(router.url, path, body),
      await said(a.url, path, body),
      `${path} ${JSON.stringify(body)}`,
    );

  for (const path of ROUTES) {
    test(`${path} says the same of names that nobody has`, async () => {
      for (const model of NAMES)
        await same(path, { model, messages: [{ role: 'user', content: 'x' }], prompt: 'x', input: 'x', stream: false });
    });
  }

  test('embeds the same, one text and many, and loads without one', async () => {
    for (const input of ['one', ['one', 'two'], '', [], undefined])
      await same('/api/embed', { model: 'tiny', input, truncate: true });
    for (const body of [{ input: 'x', dimensions: 4 }, { input: [1] }, { input: 'x', options: 5 }])
      await same('/api/embed', { model: 'tiny', ...body });
    for (const prompt of ['one', '', undefined]) await same('/api/embeddings', { model: 'tiny', prompt });
  });

  test('shows prompts without running them, on llama-server too', async () => {
    const messages = [{ role: 'user', content: 'hello' }];
    await same('/api/chat', { model: 'tiny', messages, _debug_render_only: true });
    await same('/api/generate', { model: 'tiny', prompt: 'hello', _debug_render_only: true });
    const [status, type, body] = await said(router.url, '/api/chat', {
      model: 'stories',
      messages,
      _debug_render_only: true,
    });
    assert.deepEqual([status, type], [200, 'application/json; charset=utf-8']);
    const { _debug_info: info, ...rest }: Json = body;
    assert.deepEqual(rest, { model: 'stories', message: { role: 'assistant', content: '' }, done: false });
    assert.match(info.rendered_template, /hello/);
  });

  test('answers for the account and the cloud as the first server does', async () => {
    const one = await startRouter({ endpoints: [a.url] });
    try {
      for (const [method, path] of [
        ['GET', '/api/status'],
        ['POST', '/api/me'],
        ['POST', '/api/signout'],
        ['DELETE', '/api/user/keys/x'],
        ['GET', '/api/experimental/model-recommendations'],
      ] as const) {
        const [routed, own] = await Promise.all([ask(one.url, path, { method }), ask(a.url, path, { method })]);
        assert.deepEqual([routed.status, routed.text], [own.status, own.text], path);
      }
    } finally {
      await one[Symbol.asyncDispose]();
    }
  });

  test('lists what the strictest readers take', async () => {
    for (const model of ['tiny', 'stories']) await ask(router.url, '/api/generate', { body: { model, prompt: '' } });
    const get = async (path: string) => (await ask(router.url, path)).json();
    readTags(await get('/api/tags'), 'tags');
    readPs(await get('/api/ps'), 'ps');
    readPsDetails(await get('/api/ps_details'), 'ps_details');
    readVersion(await get('/api/version'), 'version');
    for (const { name } of (await get('/api/tags')).models)
      readShow((await ask(router.url, '/api/show', { body: { model: name } })).json(), name);
  });
});

/** Without the times, which differ from call to call. */
function timeless(answer: Json): Json {
  return Object.fromEntries(Object.entries(answer).filter(([key]) => !/(_duration|^created_at)$/.test(key)));
}
