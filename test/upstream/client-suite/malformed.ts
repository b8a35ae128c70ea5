import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asFailure } from '../../support/answer-reader.ts';
import { type Subject, stage } from './stage.ts';

const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
const withHeaders = (...lines: readonly string[]) => `${HEAD}${lines.map((line) => `${line}\r\n`).join('')}\r\nhello`;

/** With a body that is right if all of it is chunks. */
const chunked = (...lines: readonly string[]) =>
  `${HEAD}${lines.map((line) => `${line}\r\n`).join('')}\r\n5\r\nhello\r\n0\r\n\r\n`;

/** Answers on whose meaning two readers may disagree, or that have none. All leave the connection open. */
const MALFORMED: Readonly<Record<string, string>> = {
  'another protocol, whose greeting waits for ours': 'SSH-2.0-OpenSSH_9.6\r\n',
  'HTTP/2': 'HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n',
  'a protocol in lower case': 'http/1.1 200 OK\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
  'a status below 100': 'HTTP/1.1 099 OK\r\n\r\n',
  'a switch to another protocol': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n',
  'bare line feeds': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  'a bare line feed in a header': withHeaders('X: a\nContent-Length: 5', 'Content-Length: 0'),
  'a bare carriage return in a header': withHeaders('X: a\rContent-Length: 5', 'Content-Length: 0'),
  'a zero byte in a header': withHeaders('X: a\0b', 'Content-Length: 5'),
  'a zero byte in an interim answer': 'HTTP/1.1 100 Continue\r\nX: \0\r\n\r\n',
  'a header without a colon': withHeaders('Content-Length 5'),
  'a header without a name': withHeaders(': 5', 'Content-Length: 5'),
  'a space before the colon': withHeaders('Content-Length : 5'),
  'a tab before the colon': withHeaders('Content-Length\t: 5'),
  'a name that is none': withHeaders('X(y): 1', 'Content-Length: 5'),
  'a folded header': withHeaders('X: a', ' b: c', 'Content-Length: 5'),
  'a header folded by a tab': withHeaders('Content-Length: 5', '\tX: 1'),
  'white space before the first header': withHeaders(' Content-Length: 5'),
  'a negative content-length': withHeaders('Content-Length: -5'),
  'a content-length with a sign': withHeaders('Content-Length: +5'),
  'a content-length with a unit': withHeaders('Content-Length: 5 bytes'),
  'a hexadecimal content-length': withHeaders('Content-Length: 0x5'),
  'an exponential content-length': withHeaders('Content-Length: 1e3'),
  'an empty content-length': withHeaders('Content-Length:'),
  'a huge content-length': withHeaders('Content-Length: 99999999999999999999'),
  'a list of content-lengths': withHeaders('Content-Length: 5, 6'),
  'two content-lengths': withHeaders('Content-Length: 5', 'Content-Length: 6'),
  'a content-length and chunks': chunked('Content-Length: 5', 'Transfer-Encoding: chunked'),
  'chunks and a content-length': chunked('Transfer-Encoding: chunked', 'Content-Length: 5'),
  'chunks that are not the last coding': chunked('Transfer-Encoding: chunked, identity'),
  'a compressed transfer': chunked('Transfer-Encoding: gzip, chunked'),
  'a transfer coding in each of two headers': chunked('Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'),
  'chunks of chunks': chunked('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  'an unknown transfer coding': chunked('Transfer-Encoding: xchunked'),
  'an empty transfer coding': chunked('Transfer-Encoding:'),
  'a chunk without a size': `${CHUNKED}\r\nhello\r\n`,
  'a chunk size that is no number': `${CHUNKED}G\r\nhello\r\n`,
  'a negative chunk size': `${CHUNKED}-5\r\nhello\r\n`,
  'a chunk size with a prefix': `${CHUNKED}0x5\r\nhello\r\n`,
  'a space before a chunk size': `${CHUNKED} 5\r\nhello\r\n`,
  'a chunk size that ends with a bare line feed': `${CHUNKED}5\nhello`,
  'a huge chunk size': `${CHUNKED}FFFFFFFFFFFFFFFF\r\nhello\r\n`,
  'a bare line feed in a chunk extension': `${CHUNKED}5;a\n0\r\nhello\r\n`,
  'a bare carriage return in a chunk extension': `${CHUNKED}5;a\rb\r\nhello\r\n`,
  'a chunk longer than it said': `${CHUNKED}5\r\nhello!\r\n0\r\n\r\n`,
  'a chunk that does not end its line': `${CHUNKED}5\r\nhello!!0\r\n\r\n`,
  'a chunk shorter than it said': `${CHUNKED}6\r\nhello\r\n0\r\n\r\n`,
};

/** What an endpoint may go on with for ever: before it, and again and again. */
const ENDLESS: Readonly<Record<string, readonly [string, string]>> = {
  'an endless status line': [HEAD.trimEnd(), 'x'.repeat(999)],
  'an endless header': [`${HEAD}X: `, 'y'.repeat(999)],
  'endless headers': [HEAD, 'X: y\r\n'.repeat(99)],
  'endless interim answers': ['', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(99)],
  'an endless chunk size': [CHUNKED, '0'.repeat(999)],
  'an endless chunk extension': [`${CHUNKED}5;`, 'z'.repeat(999)],
  'an endless trailer': [`${CHUNKED}0\r\nX: `, 'z'.repeat(999)],
  'endless trailers': [`${CHUNKED}0\r\n`, 'X: y\r\n'.repeat(99)],
};

/** Answers that are none: each fails at once and costs the connection. */
export function malformed(subject: Subject): void {
  for (const [what, wire] of Object.entries(MALFORMED)) {
    test(`${subject.name}: ${what} is a failure and costs the connection`, async () => {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(wire);
      });
      await assertInvalid(scene.ask());
      await (await scene.server.peer(0)).closed;
    });
  }

  for (const [what, [first, again]] of Object.entries(ENDLESS)) {
    test(`${subject.name}: ${what} is not waited out`, async () => {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(first);
        for (;;) await peer.write(again);
      });
      await assertInvalid(scene.ask());
      await (await scene.server.peer(0)).closed;
    });
  }

  test(`${subject.name}: what came before a mistake is delivered, though it came with it`, async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write(`${CHUNKED}5\r\nhello\r\nG\r\n`);
    });
    const { text, error } = await scene.ask();
    assert.deepEqual([text, asFailure(error).reason], ['hello', 'invalid']);
  });
}

async function assertInvalid(asked: Promise<{ readonly error: Error | undefined }>): Promise<void> {
  const error = await asked.then(
    (whole) => whole.error,
    (thrown: unknown) => thrown,
  );
  assert.equal(asFailure(error).reason, 'invalid');
}
