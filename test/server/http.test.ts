import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, requestBytes, textOf } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'say 3 tokens' }];
const STREAM = { body: { model: 'm', messages: MESSAGES } };
const WHOLE = { body: { model: 'm', messages: MESSAGES, stream: false } };

async function one(speed = Number.POSITIVE_INFINITY) {
  const stack = new AsyncDisposableStack();
  const pace = { prefillTokensPerSecond: Number.POSITIVE_INFINITY, decodeTokensPerSecond: speed };
  const endpoint = stack.use(await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], slots: 8, speed: pace }));
  const router = stack.use(await routerBefore([endpoint]));
  return { endpoint, router, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe('a connection', () => {
  test('carries one request after the other, errors among them', async () => {
    await using fleet = await one();
    using client = await fleet.router.open();
    for (const [path, request, status] of [
      ['/api/chat', STREAM, 200],
      ['/api/chat', { body: '{' }, 400],
      ['/nowhere', { body: 'x' }, 404],
      ['/api/chat', { method: 'GET' }, 405],
      ['/api/chat', WHOLE, 200],
      ['/api/chat', { headers: { 'Content-Encoding': 'odd' }, body: 'x' }, 415],
      ['/v1/chat/completions', { body: { model: 'x' } }, 404],
      ['/api/tags', {}, 200],
    ] as const) {
      client.request(path, request);
      const answer = await client.answer();
      assert.deepEqual([answer.status, answer.complete], [status, true], path);
    }
    assert.equal(client.closed, false);
  });

  test('carries requests that do not wait for answers, which come in their order', async () => {
    await using fleet = await one();
    using client = await fleet.router.open();
    const prompt = (n: number) => ({ body: { model: 'm', messages: [{ role: 'user', content: `say ${n} tokens` }] } });
    const sizes = [40, 1, 20, 3];
    client.send(
      ...sizes.map((n) => requestBytes('/api/chat', prompt(n))),
      requestBytes('/api/version', {}),
      requestBytes('/v1/chat/completions', { body: { ...WHOLE.body } }),
    );
    for (const n of sizes) {
      const answer = await client.answer();
      assert.equal(textOf(answer).trimEnd().split('\n').length, n + 1);
      assert.equal(answer.complete, true);
    }
    assert.equal(jsonOf(await client.answer()).version, '0.24.0');
    assert.equal(jsonOf(await client.answer()).object, 'chat.completion');
    await fleet.router.idle();
  });

  test('that is left with requests waiting in line frees all their slots', async () => {
    await using fleet = await one(100);
    using client = await fleet.router.open();
    const long = { body: { model: 'm', messages: [{ role: 'user', content: 'say 10000 tokens' }] } };
    client.send(requestBytes('/api/chat', long), requestBytes('/api/chat', long), requestBytes('/api/chat', long));
    await fleet.endpoint.waitFor(() => fleet.endpoint.inFlight() === 3);
    client.leave();
    await fleet.router.idle();
    await fleet.endpoint.waitFor(() => fleet.endpoint.inFlight() === 0);
  });

  test('with garbage on it is closed, and an answer under way is not garbled', async () => {
    await using fleet = await one(50);
    for (const garbage of [
      '\x16\x03\x01\x02\x00\x01',
      'hello\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
      'POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    ]) {
      using client = await fleet.router.open();
      client.send(garbage);
      await client.end();
      assert.match(client.received.toString('latin1'), /^HTTP\/1\.1 4\d\d /, JSON.stringify(garbage.slice(0, 30)));
    }
    using client = await fleet.router.open();
    client.request('/api/chat', STREAM);
    await client.until(() => client.received.includes('"done":false'));
    client.send('garbage\r\n\r\n');
    await client.end();
    assert.equal(client.received.toString('latin1').match(/HTTP\/1\.1/g)?.length, 1);
    await fleet.router.idle();
    assert.equal((await fleet.router.ask('/health/live')).status, 200);
  });
});

describe('a request', () => {
  test('whose line holds a whole URL, as proxies send it, is served', async () => {
    await using fleet = await one();
    for (const target of [
      `${fleet.router.url}/api/tags?x=1`,
      'HTTP://other.example/api/tags',
      'https://other.example:1/k/a/api/tags',
    ])
      assert.ok(jsonOf(await fleet.router.ask(target)).models, target);
    assert.equal(textOf(await fleet.router.ask('http://other.example')), 'Ollama is running');
    const odd = await fleet.router.ask('*', { method: 'GET' });
    assert.equal(odd.status, 404);
  });

  test('in HTTP/1.0 is answered to the end of the connection, or with a length', async () => {
    await using fleet = await one();
    for (const [path, request, done] of [
      ['/api/chat', STREAM, /"done":true/],
      ['/api/chat', WHOLE, /"done":true/],
      ['/v1/chat/completions', { body: { ...STREAM.body, stream: true } }, /\[DONE\]/],
      ['/api/tags', {}, /"models"/],
    ] as const) {
      using client = await fleet.router.open();
      client.send(
        Buffer.from(requestBytes(path, request).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1'),
      );
      await client.end();
      const answer = await client.answer();
      assert.equal(answer.status, 200);
      assert.equal(headerIn(answer, 'transfer-encoding'), undefined);
      assert.match(textOf(answer), done);
      assert.doesNotMatch(textOf(answer), /^[0-9a-f]+\r\n/m);
    }
  });

  test('that asks to close is the last on its connection', async () => {
    await using fleet = await one();
    for (const request of [STREAM, WHOLE]) {
      using client = await fleet.router.open();
      client.request('/api/chat', { ...request, headers: { Connection: 'close' } });
      const answer = await client.answer();
      assert.match(textOf(answer), /"done":true/);
      await client.end();
    }
  });

  test('that waits to be told to go on is told so', async () => {
    await using fleet = await one();
    using client = await fleet.router.open();
    const body = JSON.stringify(WHOLE.body);
    client.send(`POST /api/chat HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`);
    await client.until(() => client.received.toString().startsWith('HTTP/1.1 100 Continue\r\n\r\n'));
    client.send(body);
    assert.equal((await client.answer()).status, 200);
  });

  test('that comes byte by byte, chunked with extensions and trailers, is the body that it is', async () => {
    await using fleet = await one();
    using client = await fleet.router.open();
    const body = JSON.stringify(WHOLE.body);
    client.send(
      'POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n',
      ...[...body].map((letter) => `1;ext="a"\r\n${letter}\r\n`),
      '0\r\nX-Sum: 1\r\n\r\n',
    );
    assert.equal((await client.answer()).status, 200);
    assert.equal(onlyAsked(fleet.endpoint).body.toString(), body);
  });

  test('to switch protocols is answered as if it did not ask', async () => {
    await using fleet = await one();
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };
    const answer = await fleet.router.ask('/api/chat', { ...WHOLE, headers });
    assert.equal(answer.status, 200);
    assert.ok(onlyAsked(fleet.endpoint).headers.every(([name]) => !/upgrade|http2/i.test(name)));
  });

  test('for a tunnel is refused', async () => {
    await using fleet = await one();
    using client = await fleet.router.open();
    client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
    await client.end();
    assert.equal((await fleet.router.ask('/health/live')).status, 200);
  });

  test('has its own name sent back where that is fit for it, else a new one', async () => {
    await using fleet = await one();
    const id = async (given: string) =>
      headerIn(await fleet.router.ask('/', { headers: { 'X-Request-Id': given } }), 'x-request-id');
    assert.equal(await id('mine/1.2:3-4_5'), 'mine/1.2:3-4_5');
    for (const odd of ['', 'a b', 'x'.repeat(200), '<script>', 'caf\u00e9'])
      assert.match((await id(odd)) ?? '', /^r-[a-z0-9]{8}-[a-z0-9]+$/);
    assert.notEqual(await id(''), await id(''));
  });
});

test('a thousand requests that are refused leave nothing behind', async () => {
  await using fleet = await one();
  using client = await fleet.router.open();
  for (let i = 0; i < 1_000; i++) client.request(i % 2 === 0 ? '/nowhere' : '/api/chat', { body: '{' });
  for (let i = 0; i < 1_000; i++) assert.equal((await client.answer()).status, i % 2 === 0 ? 404 : 400);
  assert.equal(asked(fleet.endpoint).length, 0);
});
