import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { json, ndjson, WHOLE_CHAT } from '../support/streams.ts';
import { headerIn, textOf } from '../support/wire.ts';

const BODY = '{"model":"m","messages":[{"role":"user","content":"x"}]}';

const NEVER_UPSTREAM: readonly (readonly [string, string])[] = [
  ['Connection', 'keep-alive, X-Hop'],
  ['Connection', 'x-second-hop'],
  ['X-Hop', 'SECRET'],
  ['X-Second-Hop', 'SECRET'],
  ['Keep-Alive', 'timeout=SECRET'],
  ['Proxy-Connection', 'SECRET'],
  ['Proxy-Authorization', 'SECRET'],
  ['Proxy-Authenticate', 'SECRET'],
  ['TE', 'SECRET'],
  ['Trailer', 'SECRET'],
  ['Upgrade', 'SECRET'],
  ['Authorization', 'Bearer SECRET'],
  ['X-API-Key', 'SECRET'],
  ['Cookie', 'SECRET'],
  ['Origin', 'http://localhost:1'],
  ['Referer', 'http://SECRET/'],
  ['Sec-Fetch-Mode', 'SECRET'],
  ['sec-fetch-site', 'SECRET'],
  ['Access-Control-Request-Headers', 'SECRET'],
  ['X-Nomyo-Anything', 'SECRET'],
  ['Expect', '100-continue'],
];

test('an endpoint is sent no header that is not meant for it', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const headers = [
    ...NEVER_UPSTREAM,
    ['User-Agent', 'GitHubCopilotChat/1.2'],
    ['Content-Type', 'application/x-www-form-urlencoded'],
    ['Accept', 'application/x-ndjson'],
    ['Accept-Encoding', 'gzip, br'],
    ['X-Request-Id', 'mine-1'],
    ['x-stainless-OS', 'Linux'],
    ['X-Odd', 'caf\u00e9 \u00ff\ttab'],
    ['X-Odd', 'twice'],
  ] as const;
  assert.equal((await router.ask('/api/chat?api_key=SECRET&keep=%20a', { headers, body: BODY })).status, 200);
  const got = onlyAsked(endpoint);
  assert.deepEqual(got.headers, [
    ['Host', `127.0.0.1:${endpoint.port}`],
    ['Content-Type', 'application/json'],
    ['Accept-Encoding', 'identity'],
    ['User-Agent', 'GitHubCopilotChat/1.2'],
    ['Accept', 'application/x-ndjson'],
    ['X-Request-Id', 'mine-1'],
    ['x-stainless-OS', 'Linux'],
    ['X-Odd', 'caf\u00e9 \u00ff\ttab'],
    ['X-Odd', 'twice'],
    ['Content-Length', String(BODY.length)],
  ]);
  assert.equal(got.target, '/api/chat?keep=%20a');
});

test('every endpoint gets its own key and no other, whatever the client presents', async () => {
  await using a = await startSimulatedEndpoint({ kind: 'openai', models: ['on-a'], key: 'key of a' });
  await using b = await startSimulatedEndpoint({ kind: 'llama-server', models: ['on-b'], key: 'key of b' });
  await using c = await startSimulatedEndpoint({ kind: 'ollama', models: ['on-c'] });
  await using router = await routerBefore([{ at: a, key: 'key of a' }, { at: b, key: 'key of b' }, c], {
    router_api_key: 'mine',
  });
  const presented: Record<string, string>[] = [
    { Authorization: 'Bearer mine' },
    { 'x-api-key': 'mine', Authorization: 'Bearer key of a' },
  ];
  for (const [endpoint, model, key] of [
    [a, 'on-a', 'Bearer key of a'],
    [b, 'on-b', 'Bearer key of b'],
    [c, 'on-c', undefined],
  ] as const) {
    for (const headers of presented) {
      endpoint.forgetRequests();
      const body = { model, messages: [{ role: 'user', content: '1 tokens' }] };
      const answer = await router.ask('/v1/chat/completions?api_key=mine', { headers, body });
      assert.equal(answer.status, 200, textOf(answer));
      const sent = onlyAsked(endpoint);
      assert.deepEqual(
        sent.headers.filter(([name]) => /auth|key/i.test(name)).map(([, value]) => value),
        key === undefined ? [] : [key],
      );
      assert.doesNotMatch(JSON.stringify([sent.headers, sent.target]), /mine/);
    }
  }
});

test("a client is sent the endpoint's headers without what concerns another connection or another site", async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { response_headers: false });
  endpoint.faults.add({
    on: { method: 'POST' },
    ...json(WHOLE_CHAT),
    headers: {
      'Content-Type': 'application/json',
      Connection: 'X-Hop',
      'X-Hop': 'SECRET',
      'Keep-Alive': 'timeout=SECRET',
      'Access-Control-Allow-Origin': 'SECRET',
      'Access-Control-Allow-Credentials': 'SECRET',
      'Set-Cookie': 'SECRET',
      'Proxy-Authenticate': 'SECRET',
      Date: 'SECRET',
      'X-Request-Id': 'theirs',
      'Retry-After': '3',
      'X-RateLimit-Remaining-Tokens': '4',
      'openai-processing-ms': '5',
    },
  });
  const answer = await router.ask('/api/chat', { body: BODY });
  assert.equal(textOf(answer), WHOLE_CHAT);
  const sent = answer.headers.filter(([name]) => !/^(date|connection|keep-alive)$/i.test(name));
  assert.deepEqual(sent, [
    ['Content-Type', 'application/json'],
    ['X-Request-Id', 'theirs'],
    ['Retry-After', '3'],
    ['X-RateLimit-Remaining-Tokens', '4'],
    ['openai-processing-ms', '5'],
    ['Content-Length', String(Buffer.byteLength(WHOLE_CHAT))],
  ]);
  assert.doesNotMatch(JSON.stringify(answer.headers), /SECRET/);
});

test('a stream is kept from being held back or changed on its way, and says so once', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  const headers = { 'Content-Type': 'application/x-ndjson', 'cache-control': 'no-store', 'x-accel-buffering': 'yes' };
  endpoint.faults.add({ on: { method: 'POST' }, ...ndjson(), headers });
  const answer = await router.ask('/api/chat', { body: BODY });
  assert.equal(headerIn(answer, 'cache-control'), 'no-cache, no-transform');
  assert.equal(headerIn(answer, 'x-accel-buffering'), 'no');
  assert.equal(headerIn(answer, 'content-encoding'), undefined);
});
