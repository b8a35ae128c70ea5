import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, jsonOf } from '../support/wire.ts';

const LOCAL = [
  'http://localhost',
  'https://localhost:3000',
  'http://127.0.0.1:8080',
  'http://0.0.0.0:1',
  'http://[::1]:5173',
  'app://obsidian.md',
  'file://',
  'tauri://localhost',
  'vscode-webview://1k2j',
  'chrome-extension://abcdef',
  'moz-extension://abc',
];
const FOREIGN = [
  'https://evil.example',
  'http://localhost.evil.example',
  'http://127.0.0.1.evil.example',
  'null',
  'http://router.test.evil.example',
];

test('local origins are let in by name, foreign ones are refused in the words of the path', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const origin of LOCAL) {
    const answer = await router.ask('/api/tags', { headers: { Origin: origin } });
    assert.equal(answer.status, 200, origin);
    assert.equal(headerIn(answer, 'access-control-allow-origin'), origin);
    assert.equal(headerIn(answer, 'vary'), 'Origin');
    assert.match(
      headerIn(answer, 'access-control-expose-headers') ?? '',
      /x-request-id, .*x-nomyo-dropped, .*retry-after, .*x-ratelimit-/,
    );
  }
  for (const origin of FOREIGN) {
    for (const path of ['/api/tags', '/v1/models', '/models', '/api/chat', '/']) {
      const answer = await router.ask(path, { headers: { Origin: origin } });
      assert.equal(answer.status, 403, `${origin} ${path}`);
      assert.equal(headerIn(answer, 'access-control-allow-origin'), undefined);
      assert.equal(headerIn(answer, 'x-nomyo-error'), 'origin_not_allowed');
      if (path.includes('models')) assert.equal(jsonOf(answer).error.type, 'permission_error');
      else assert.match(jsonOf(answer).error, /cors_origins/);
    }
  }
  assert.equal(asked(endpoint).length, 0);
});

test('a page of the router itself is no foreign one, unless its name only leads here', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const [host, status] of [
    ['192.168.1.5:12434', 200],
    ['nas:12434', 200],
    ['gpu.local:12434', 200],
    ['rebound.example:12434', 403],
  ] as const)
    assert.equal(
      (await router.ask('/api/tags', { headers: { Host: host, Origin: `http://${host}` } })).status,
      status,
      host,
    );
});

test('configured origins are let in, and any where it says so', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using some = await routerBefore([endpoint], { cors_origins: ['https://chat.example'] });
  const status = async (router: typeof some, Origin: string) => (await router.ask('/', { headers: { Origin } })).status;
  assert.equal(await status(some, 'https://chat.example'), 200);
  assert.equal(await status(some, 'https://other.example'), 403);
  await using any = await routerBefore([endpoint], { cors_origins: ['*'] });
  assert.equal(await status(any, 'https://other.example'), 200);
});

test('a preflight is answered without a key, on any path, with what was asked for', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { router_api_key: 'SECRET' });
  for (const path of ['/v1/chat/completions', '/api/chat', '/nowhere']) {
    const wanted = 'authorization, x-stainless-os, anthropic-version';
    const headers = { Origin: 'http://localhost:3000', 'Access-Control-Request-Method': 'POST' };
    const answer = await router.ask(path, {
      method: 'OPTIONS',
      headers: { ...headers, 'Access-Control-Request-Headers': wanted },
    });
    assert.equal(answer.status, 204);
    assert.equal(headerIn(answer, 'access-control-allow-origin'), 'http://localhost:3000');
    assert.equal(headerIn(answer, 'access-control-allow-headers'), wanted);
    assert.equal(headerIn(answer, 'access-control-allow-methods'), 'GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS');
    assert.equal(headerIn(answer, 'access-control-allow-private-network'), 'true');
    assert.equal(headerIn(answer, 'access-control-max-age'), '86400');
    assert.equal(headerIn(answer, 'content-length'), undefined);
    const plain = await router.ask(path, { method: 'OPTIONS', headers });
    assert.match(headerIn(plain, 'access-control-allow-headers') ?? '', /authorization, content-type/);
    const foreign = await router.ask(path, {
      method: 'OPTIONS',
      headers: { ...headers, Origin: 'https://evil.example' },
    });
    assert.equal(foreign.status, 403);
  }
});

test('errors carry the headers that let a page read them, from the router and from an endpoint', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({
    on: { method: 'POST' },
    status: 400,
    body: { error: { message: 'no' } },
    headers: { 'Access-Control-Allow-Origin': '*' },
  });
  const headers = { Origin: 'http://localhost:3000' };
  const body = { model: 'm', messages: [] };
  for (const [path, request] of [
    ['/nowhere', {}],
    ['/api/chat', {}],
    ['/api/chat', { body: '{' }],
    ['/v1/chat/completions', { body }],
    ['/v1/chat/completions', { body: { ...body, model: 'x' } }],
  ] as const) {
    const answer = await router.ask(path, { ...request, headers });
    assert.ok(answer.status >= 400);
    assert.equal(headerIn(answer, 'access-control-allow-origin'), 'http://localhost:3000', path);
    assert.match(headerIn(answer, 'x-request-id') ?? '', /./);
  }
});
