import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { RouterError } from '../../src/errors.ts';
import { BodyBudget, readBody } from '../../src/server/body.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, openWire, textOf } from '../support/wire.ts';

const MiB = 2 ** 20;
const TEXT = '{"model":"m", "messages":[{"role":"user","content":"say 1 tokens"}],"seed":9007199254740993}';

const ENCODERS = {
  gzip: gzipSync,
  'X-GZIP': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

for (const [encoding, encode] of Object.entries(ENCODERS)) {
  test(`a body in ${encoding} reaches the endpoint unfolded, byte for byte`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const answer = await router.ask('/api/chat', {
      headers: { 'Content-Encoding': encoding },
      body: encode(Buffer.from(TEXT)),
    });
    assert.equal(answer.status, 200, textOf(answer));
    const sent = onlyAsked(endpoint);
    assert.equal(sent.body.toString(), TEXT);
    assert.ok(!sent.headers.some(([name]) => name.toLowerCase() === 'content-encoding'));
  });

  test(`a body that claims to be ${encoding}, or breaks off in it, is a 400, and one that unfolds without end a 413`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
    await using router = await routerBefore([endpoint]);
    const headers = { 'Content-Encoding': encoding };
    for (const body of [Buffer.from(TEXT), encode(Buffer.from(TEXT)).subarray(0, 20), Buffer.alloc(0)]) {
      const answer = await router.ask('/v1/chat/completions', { headers, body });
      assert.equal(answer.status, 400);
      assert.equal(typeof jsonOf(answer).error.message, 'string');
    }
    const bomb = encode(Buffer.alloc(32 * MiB, 0x20));
    assert.ok(bomb.length < MiB);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => router.ask('/api/chat', { headers, body: bomb })),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      [413, 413, 413, 413],
    );
    assert.equal(asked(endpoint).length, 0);
  });
}

test('an encoding that nobody knows is a 415 in the words of the path', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const encoding of ['compress', 'gzip, gzip', '__proto__', 'constructor']) {
    const answer = await router.ask('/v1/chat/completions', { headers: { 'Content-Encoding': encoding }, body: TEXT });
    assert.equal(answer.status, 415, encoding);
    assert.match(jsonOf(answer).error.message, /is not supported; use zstd, gzip, br or deflate/);
  }
  const plain = await router.ask('/api/chat', { headers: { 'Content-Encoding': 'identity' }, body: TEXT });
  assert.equal(plain.status, 200);
});

test('a body over the limit is a 413 that its client gets to read, however it is framed, time after time', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { limits: { held: '130MiB' } });
  const body = Buffer.concat([Buffer.from('{"model":"m","prompt":"'), Buffer.alloc(65 * MiB, 0x78), Buffer.from('"}')]);
  for (let i = 0; i < 3; i++) {
    const answer = await router.ask('/api/generate', { body });
    assert.equal(answer.status, 413);
    assert.match(jsonOf(answer).error, /^request body is too large; the limit is 64 MiB \(limits\.body\)$/);
  }
  using client = await router.open();
  client.send('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  for (let i = 0; i < 65; i++) client.send('100000\r\n', body.subarray(0, MiB), '\r\n');
  client.send('0\r\n\r\n');
  const chunked = await client.answer();
  assert.deepEqual([chunked.status, jsonOf(chunked).error.code], [413, 'body_too_large']);
  // The room that refused bodies took is free again.
  const fits = { model: 'm', prompt: 'x', filler: 'x'.repeat(60 * MiB) };
  client.request('/api/generate', { body: fits });
  assert.equal((await client.answer()).status, 200);
  assert.equal(asked(endpoint).length, 1);
});

test('bodies that are too large together are refused for a while, and not for ever', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint], { limits: { body: '1MiB', held: '1MiB' } });
  const head = 'POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n';
  using holder = await router.open();
  holder.send(head, 'x'.repeat(900_000));
  const body = { model: 'm', messages: [{ role: 'user', content: 'say 1 tokens' }], filler: 'x'.repeat(500_000) };
  // Until the router, in this process, has read it all: else it might be the holder that finds no room.
  for (let turns = 0; turns < 500; turns++) await turn();
  const answer = await router.ask('/api/chat', { body });
  assert.equal(answer.status, 503);
  assert.equal(headerIn(answer, 'x-nomyo-error'), 'router_busy');
  assert.equal(headerIn(answer, 'retry-after'), '2');
  holder.send('x'.repeat(100_000));
  assert.equal((await holder.answer()).status, 400);
  assert.equal((await router.ask('/api/chat', { body })).status, 200);
});

/** What a server that only reads bodies makes of one, with little patience; it waits for all of it to come. */
async function reading(budget: BodyBudget, send: (port: number) => Promise<void>): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const come = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const hold = budget.open();
    request.once('end', come.resolve);
    readBody(request, hold, 100)
      .then(resolve, resolve)
      .finally(() => hold[Symbol.dispose]())
      .finally(() => response.end());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    await send((server.address() as AddressInfo).port);
    await come.promise;
    return await promise;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a body of which nothing more comes is given up, and the room for it is given back', async () => {
  const budget = new BodyBudget(100, 100);
  const outcome = await reading(budget, async (port) => {
    const client = await openWire(port);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n', 'x'.repeat(80));
    await client.answer();
    client.send('x'.repeat(10));
  });
  assert.ok(outcome instanceof RouterError && outcome.code === 'body_timeout');
  using hold = budget.open();
  hold.resize(100);
});

test('a body that comes slowly but comes is read', async () => {
  const outcome = await reading(new BodyBudget(100, 100), async (port) => {
    const client = await openWire(port);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n');
    for (let i = 0; i < 4; i++) {
      client.send('x');
      await new Promise((resolve) => client.socket.write('', resolve));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
  });
  assert.equal(String(outcome), 'xxxx');
});
