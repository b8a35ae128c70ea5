import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamAnswer } from '../../../src/upstream/client.ts';
import { AnswerReader, readerOf } from '../../support/answer-reader.ts';
import { type Peer, type Script, turn } from '../../support/scripted-server.ts';
import { ok, type Subject, stage } from './stage.ts';

const inThreePieces: Script = async (peer) => {
  for (;;) {
    await peer.request();
    await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nfirst');
    for (const piece of ['secnd', 'third']) await peer.write(piece);
  }
};

/** More than the buffers of both kernels hold. */
const BYTES = 32 * 1024 * 1024;

/** Readers that are slower than their endpoint, or late. */
export function backpressure(subject: Subject): void {
  const named = (what: string, run: () => Promise<void>) => test(`${subject.name}: ${what}`, run);

  for (const [framing, head, wire] of framings()) {
    named(`a paused answer (${framing}) stalls its endpoint, and goes on without a byte lost`, async () => {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(head);
        peer.socket.write(wire);
        peer.end();
      });
      using exchange = scene.open();
      const answer = await exchange.answer;
      const reader = readerOf(answer);
      await reader.received(1000);
      answer.pause();
      assert.ok((await bytesStuck(await scene.server.peer(0))) > 0, 'the endpoint cannot write on');
      const before = reader.pieces.length;
      await turn();
      assert.equal(reader.pieces.length, before, 'nothing comes during a pause');
      answer.resume();
      assert.equal(await reader.ended, undefined);
      assert.ok(reader.body.equals(payload()));
    });
  }

  named('an answer that nobody reads yet stalls its endpoint', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      peer.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BYTES}\r\n\r\n`);
      peer.socket.write(payload());
    });
    using exchange = scene.open();
    const answer = await exchange.answer;
    assert.ok((await bytesStuck(await scene.server.peer(0))) > 0, 'the endpoint cannot write on');
    const reader = readerOf(answer);
    assert.equal(await reader.ended, undefined);
    assert.ok(reader.body.equals(payload()));
  });

  named('what came before its reader outlives what comes for others', async () => {
    await using scene = await stage(subject, async (peer) => {
      const { head } = await peer.request();
      const letter = head.charAt('GET /'.length);
      await peer.write(`HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n${letter.repeat(1000)}`);
      for (let i = 0; i < 2; i++) await peer.write(letter.repeat(1000));
    });
    const letters = ['a', 'b', 'c'];
    const exchanges = letters.map((letter) => scene.open({ path: `/${letter}` }));
    const answers = await Promise.all(exchanges.map((exchange) => exchange.answer));
    await scene.ask({ path: '/d' });
    const readers = answers.map(readerOf);
    await Promise.all(readers.map((reader) => reader.ended));
    assert.deepEqual(
      readers.map((reader) => reader.text),
      letters.map((letter) => letter.repeat(3000)),
    );
  });

  named('half of a head, a chunk size and a trailer outlive what comes for others', async () => {
    const pieces = [
      'HTTP/1.1 200 OK\r\nTransfer-Enc',
      'oding: chunked\r\n\r\n1',
      '0\r\n0123456789abcdef\r',
      '\n0\r\nX',
      ': y\r\n\r\n',
    ];
    await using scene = await stage(subject, async (peer) => {
      const { head } = await peer.request();
      if (head.startsWith('GET /other')) return peer.write(ok('-'.repeat(60_000), 'Connection: close'));
      for (const piece of pieces) {
        assert.equal((await scene.ask({ path: '/other' })).text.length, 60_000);
        await peer.write(piece);
      }
    });
    assert.equal((await scene.ask()).text, '0123456789abcdef');
  });

  named('a reader that pauses at its first piece gets nothing more, not even what has come already', async () => {
    await using scene = await stage(subject, inThreePieces);
    using exchange = scene.open();
    const answer = await exchange.answer;
    await scene.ask();
    const reader = await pausingAtFirst(answer);
    assert.equal(reader.text, 'first');
    await scene.ask();
    assert.equal(reader.text, 'first', 'nor what comes later');
    answer.resume();
    assert.deepEqual([await reader.ended, reader.text, reader.late], [undefined, 'firstsecndthird', []]);
  });

  named('a reader that pauses at the only piece that has come gets nothing more', async () => {
    await using scene = await stage(subject, inThreePieces);
    using exchange = scene.open();
    const answer = await exchange.answer;
    const reader = await pausingAtFirst(answer);
    await scene.ask();
    assert.equal(reader.text, 'first');
    answer.resume();
    assert.deepEqual([await reader.ended, reader.text, reader.late], [undefined, 'firstsecndthird', []]);
  });

  named('pausing and resuming before there is a reader loses nothing', async () => {
    await using scene = await stage(subject, inThreePieces);
    using exchange = scene.open();
    const answer = await exchange.answer;
    answer.pause();
    await scene.ask();
    answer.resume();
    answer.pause();
    const reader = readerOf(answer);
    await scene.ask();
    assert.equal(reader.text, '');
    answer.resume();
    assert.deepEqual([await reader.ended, reader.text, reader.late], [undefined, 'firstsecndthird', []]);
  });

  named('a reader that resumes within its first piece gets each piece once', async () => {
    await using scene = await stage(subject, inThreePieces);
    using exchange = scene.open();
    const answer = await exchange.answer;
    await scene.ask();
    const reader = new AnswerReader();
    reader.onData = () => {
      answer.pause();
      answer.resume();
    };
    answer.read(reader);
    assert.deepEqual([await reader.ended, reader.text, reader.late], [undefined, 'firstsecndthird', []]);
  });

  named('pausing and resuming after the end harm nothing', async () => {
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        await peer.request();
        await peer.write(ok('hi'));
      }
    });
    using exchange = scene.open();
    const answer = await exchange.answer;
    const reader = readerOf(answer);
    await reader.ended;
    answer.pause();
    answer.resume();
    answer.resume();
    assert.equal((await scene.ask()).text, 'hi');
    assert.deepEqual([scene.server.peers.length, reader.late], [1, []]);
  });

  named('a connection whose reader paused at the last piece carries another request', async () => {
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        await peer.request();
        await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');
        await peer.write('hi');
      }
    });
    const exchange = scene.open();
    const answer = await exchange.answer;
    const reader = await pausingAtFirst(answer);
    assert.equal(await reader.ended, undefined);
    assert.equal((await scene.ask()).text, 'hi');
    assert.equal(scene.server.peers.length, 1);
  });
}

/** A reader that has paused its answer at the first piece. */
async function pausingAtFirst(answer: UpstreamAnswer): Promise<AnswerReader> {
  const reader = new AnswerReader();
  await new Promise<void>((resolve) => {
    reader.onData = () => {
      answer.pause();
      resolve();
      reader.onData = () => {};
    };
    answer.read(reader);
  });
  return reader;
}

function payload(): Buffer {
  return Buffer.alloc(BYTES, 'every byte at its place, and none twice; ');
}

function framings(): readonly (readonly [name: string, head: string, wire: Buffer])[] {
  const size = Buffer.from(`${BYTES.toString(16)}\r\n`);
  const end = Buffer.from('\r\n0\r\n\r\n');
  return [
    ['content-length', `HTTP/1.1 200 OK\r\nContent-Length: ${BYTES}\r\n\r\n`, payload()],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', Buffer.concat([size, payload(), end])],
    ['until close', 'HTTP/1.1 200 OK\r\n\r\n', payload()],
  ];
}

/** Bytes that the server cannot get rid of: their number has not changed for many turns of the event loop. */
async function bytesStuck({ socket }: Peer): Promise<number> {
  let before = -1;
  for (let same = 0; same < 50 && socket.writableLength > 0; ) {
    await turn();
    same = socket.bytesWritten === before ? same + 1 : 0;
    before = socket.bytesWritten;
  }
  return socket.writableLength;
}
