import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamRequest } from '../../../src/upstream/client.ts';
import { failureOf, readerOf } from '../../support/answer-reader.ts';
import type { WireRequest } from '../../support/scripted-server.ts';
import { ok, type Subject, stage } from './stage.ts';

/** What requests look like on the wire. */
export function requests(subject: Subject): void {
  test(`${subject.name}: a request goes out byte for byte, Host first and Content-Length last`, async () => {
    const body = Buffer.from('{"a":"\u00e9\u0000"}');
    const { wire, host } = await sent(subject, { method: 'POST', path: '/api/chat?x=%20&y', headers: HEADERS, body });
    assert.equal(
      wire.head,
      `POST /api/chat?x=%20&y HTTP/1.1\r\nHost: ${host}\r\nX-one: 1\r\nx-ONE: caf\xc3\xa9\r\nX-Tab: a\tb\r\nContent-Length: 11\r\n\r\n`,
    );
    assert.deepEqual(wire.body, body);
  });

  test(`${subject.name}: a request says how long its body is wherever it may have one`, async () => {
    const lengthOf = async (request: Partial<UpstreamRequest>) =>
      /Content-Length: (\d+)/.exec((await sent(subject, request)).wire.head)?.[1];
    assert.equal(await lengthOf({ method: 'POST' }), '0');
    assert.equal(await lengthOf({ method: 'POST', body: Buffer.alloc(0) }), '0');
    assert.equal(await lengthOf({ method: 'DELETE', body: Buffer.from('abc') }), '3');
    assert.equal(await lengthOf({ method: 'DELETE' }), undefined);
    assert.equal(await lengthOf({ method: 'GET' }), undefined);
    assert.equal(await lengthOf({ method: 'HEAD' }), undefined);
  });

  test(`${subject.name}: a path is appended to the prefix of the base`, async () => {
    for (const [prefix, path] of [
      ['/openai', '/openai/v1/models'],
      ['/a/b/', '/a/b/v1/models'],
      ['/', '/v1/models'],
    ]) {
      const { wire } = await sent(subject, { path: '/v1/models' }, prefix);
      assert.match(wire.head, new RegExp(`^GET ${path} HTTP/1.1\r\n`));
    }
  });

  for (const [what, request] of Object.entries(UNSENDABLE)) {
    test(`${subject.name}: ${what} is not sent`, async () => {
      await using scene = await stage(subject, async (peer) => {
        for (;;) {
          await peer.request();
          await peer.write(ok('x'));
        }
      });
      await scene.ask();
      using exchange = scene.open(request);
      assert.equal((await failureOf(exchange.answer)).reason, 'invalid');
      await scene.ask();
      assert.equal(scene.server.peers.length, 1, 'and it does not cost a connection');
    });
  }

  test(`${subject.name}: a base that is no URL of a web server fails the exchange`, async () => {
    await using scene = await stage(subject, () => {});
    for (const base of ['gpu-a', 'gpu-a:no-port', scene.server.url.replace(/^https?/, 'ftp')]) {
      using exchange = scene.open({ base });
      assert.equal((await failureOf(exchange.answer)).reason, 'unreachable', base);
    }
    assert.equal(scene.server.peers.length, 0);
  });

  test(`${subject.name}: bodies of 16 MB go both ways without a byte lost`, async () => {
    const body = Buffer.alloc(16 * 1024 * 1024, 'all the bytes of a picture, in base 64: ');
    body.writeUInt32BE(0xfffe0d0a, body.length - 4);
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        const request = await peer.request();
        await peer.write(`HTTP/1.1 200 OK\r\nContent-Length: ${request.body.length}\r\n\r\n`);
        await peer.write(request.body);
      }
    });
    for (let round = 0; round < 2; round++) {
      using exchange = scene.open({ method: 'POST', body });
      const reader = readerOf(await exchange.answer);
      assert.equal(await reader.ended, undefined);
      assert.ok(reader.body.equals(body));
    }
    assert.equal(scene.server.peers.length, 1);
  });
}

const HEADERS = ['X-one', '1', 'x-ONE', 'caf\xc3\xa9', 'X-Tab', 'a\tb'];

const UNSENDABLE: Readonly<Record<string, Partial<UpstreamRequest>>> = {
  'a header with a line feed': { headers: ['X', 'a\nY: b'] },
  'a header with a carriage return': { headers: ['X', 'a\rY: b'] },
  'a header whose characters become line ends as bytes': { headers: ['X', 'a\u010d\u010aY: b'] },
  'a header with a zero byte': { headers: ['X', 'a\0'] },
  'a header name with a line end': { headers: ['X: 1\r\nY', 'a'] },
  'a header name with a space': { headers: ['X Y', 'a'] },
  'a path with a line end': { path: '/x HTTP/1.1\r\nX: y' },
  'a path whose characters become line ends as bytes': { path: '/x\u010d\u010a' },
  'a path with a space': { path: '/a b' },
};

async function sent(
  subject: Subject,
  request: Partial<UpstreamRequest>,
  prefix = '',
): Promise<{ wire: WireRequest; host: string }> {
  const { promise, resolve } = Promise.withResolvers<WireRequest>();
  await using scene = await stage(subject, async (peer) => {
    resolve(await peer.request());
    await peer.write(ok(''));
  });
  await scene.ask({ base: scene.server.url + prefix, ...request });
  return { wire: await promise, host: new URL(scene.server.url).host };
}
