import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked } from '../support/records.ts';
import { bytesAsText, type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf, type WireRequest } from '../support/wire.ts';

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'say 1 tokens' }] };
const KEYS = ['plain', 'with:colon and space', 'a+b=c/d%20&?', 'à', 'Schlüssel-ß', 'ключ-鍵-😀', '100%'];

/** All ways to present a key: a path to put `/api/chat` behind, a query, headers. */
function ways(key: Buffer): readonly (readonly [string, string, string, Record<string, string>])[] {
  const text = key.toString('latin1');
  const encoded = [...key].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return [
    ['Bearer', '', '', { Authorization: `Bearer ${text}` }],
    ['bearer', '', '', { authorization: `bearer ${text}` }],
    ['Basic', '', '', { Authorization: `Basic ${Buffer.concat([Buffer.from(':'), key]).toString('base64')}` }],
    [
      'Basic with a name',
      '',
      '',
      { Authorization: `Basic ${Buffer.concat([Buffer.from('me:'), key]).toString('base64')}` },
    ],
    ['x-api-key', '', '', { 'X-Api-Key': text }],
    ['query', '', `?a=1&api_key=${encoded}`, {}],
    ['path', `/k/${encoded}`, '', {}],
    ['path of a client that joins with two slashes', `/k/${encoded}/`, '', {}],
  ];
}

for (const key of KEYS) {
  test(`the key ${JSON.stringify(key)} is taken in every way, and goes no further`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { router_api_key: key });
    const encodings = [Buffer.from(key, 'utf8')];
    if (Buffer.from(key, 'latin1').toString('latin1') === key) encodings.push(Buffer.from(key, 'latin1'));
    for (const bytes of encodings) {
      for (const [name, prefix, query, headers] of ways(bytes)) {
        const answer = await router.ask(`${prefix}/api/chat${query}`, { headers, body: CHAT });
        assert.equal(answer.status, 200, `${name}: ${textOf(answer)}`);
        const { target, headers: sent } = asked(endpoint).at(-1) ?? assert.fail();
        assert.equal(target, query === '' ? '/api/chat' : '/api/chat?a=1');
        assert.ok(sent.every(([header]) => !/^(authorization|x-api-key)$/i.test(header)));
      }
    }
    assert.ok(!router.log.join('\n').includes(key));
  });
}

test('a key is not taken by its beginning, in another spelling, or with more behind it', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { router_api_key: 'Key-1' });
  for (const wrong of ['Key-', 'Key-11', 'key-1', 'Key-1,Key-1', '*', 'Key-1\u00a0']) {
    for (const [name, prefix, query, headers] of ways(Buffer.from(wrong, 'latin1'))) {
      const answer = await router.ask(`${prefix}/api/tags${query}`, { headers });
      assert.equal(answer.status, 401, `${wrong} by ${name}`);
      assert.equal(headerIn(answer, 'x-nomyo-error'), 'invalid_api_key');
      assert.doesNotMatch(textOf(answer), /Key-1/);
    }
  }
});

describe('with a key configured', () => {
  const refused = async (router: RunningRouter, path: string, request: WireRequest = {}) => {
    const answer = await router.ask(path, request);
    assert.equal(headerIn(answer, 'www-authenticate'), 'Bearer', path);
    return answer;
  };

  test('every route wants it but those that only say that the router is there', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { router_api_key: 'SECRET' });
    for (const [method, path] of [
      ['GET', '/'],
      ['GET', '/api/tags'],
      ['HEAD', '/api/tags'],
      ['GET', '/api/ps'],
      ['GET', '/api/version'],
      ['POST', '/api/show'],
      ['POST', '/api/chat'],
      ['POST', '/api/generate'],
      ['POST', '/v1/chat/completions'],
      ['POST', '//chat/completions/'],
      ['GET', '/v1/models'],
      ['GET', '/v1/models/m'],
      ['GET', '/health'],
      ['GET', '/api/usage'],
      ['GET', '/api/config'],
      ['GET', '/no/such/route'],
      ['DELETE', '/api/chat'],
      ['PUT', '/health/live'],
    ] as const) {
      const answer = await refused(router, path, { method, ...(method === 'POST' && { body: CHAT }) });
      assert.equal(answer.status, 401, `${method} ${path}`);
      assert.equal(headerIn(answer, 'x-nomyo-error'), 'missing_api_key');
    }
    for (const path of ['/health/live', '/health/ready'])
      for (const method of ['GET', 'HEAD']) assert.equal((await router.ask(path, { method })).status, 200);
    for (const path of ['/', '/ollama', '/ollama/', '/k/wrong', '/k/wrong/'])
      assert.equal((await router.ask(path, { method: 'HEAD' })).status, 200, path);
    assert.equal(asked(endpoint).length, 0);
  });

  test('an empty key counts as none', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { router_api_key: 'SECRET' });
    for (const [path, headers] of [
      ['/api/tags', { Authorization: 'Bearer ' }],
      ['/api/tags', { Authorization: '' }],
      ['/api/tags', { Authorization: 'Basic Og==' }],
      ['/api/tags', { 'X-Api-Key': '' }],
      ['/api/tags?api_key=', {}],
    ] as const)
      assert.equal(
        headerIn(await refused(router, path, { headers }), 'x-nomyo-error'),
        'missing_api_key',
        JSON.stringify([path, headers]),
      );
  });

  test('the refusal is in the words of the path, and a 403 for the ollama command, which prints only those', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { router_api_key: 'SECRET' });
    for (const [agent, status] of [
      ['ollama/0.24.0 (amd64 linux) Go/go1.24', 403],
      ['ollama-python/0.6.3', 401],
      ['curl/8', 401],
    ] as const) {
      const headers = { 'User-Agent': agent };
      const native = await refused(router, '/api/tags', { headers });
      assert.equal(native.status, status);
      assert.equal(typeof jsonOf(native).error, 'string');
      for (const path of [
        '/v1/models',
        '/models',
        '/chat/completions',
        '//v1/models/',
        '/v1/v1/models',
        '/api/v1/models',
        '/ollama/v1/models',
        '/k/wrong/v1/models',
      ]) {
        const answer = await refused(router, path, { headers });
        const type = status === 401 ? 'authentication_error' : 'permission_error';
        assert.deepEqual([answer.status, jsonOf(answer).error.type], [status, type], path);
      }
      const anthropic = await refused(router, '/v1/messages', { headers });
      assert.equal(jsonOf(anthropic).type, 'error');
    }
  });

  test('a refused client gets to read why, whatever it was sending, and may ask again on its connection', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint], { router_api_key: 'SECRET' });
    using client = await router.open();
    client.request('/api/chat', { body: 'x'.repeat(2_000_000) });
    assert.equal((await client.answer()).status, 401);
    client.request('/api/chat', { body: CHAT, headers: { Authorization: 'Bearer SECRET' } });
    assert.equal((await client.answer()).status, 200);
  });
});

test('a refused client that goes on sending, or only promises to, is cut off after a while', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { router_api_key: 'SECRET' });
  using client = await router.open();
  client.send('POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{');
  assert.equal((await client.answer()).status, 401);
  await client.end();
});

test('without a key configured whatever is presented is ignored, and goes no further', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const [, prefix, query, headers] of ways(Buffer.from(bytesAsText('ä')))) {
    assert.equal((await router.ask(`${prefix}/api/chat${query}`, { headers, body: CHAT })).status, 200);
    assert.doesNotMatch(
      JSON.stringify([asked(endpoint).at(-1)?.target, asked(endpoint).at(-1)?.headers]),
      /api_key|auth|\/k\//i,
    );
  }
});
