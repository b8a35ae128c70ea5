import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientGone } from '../../../src/errors.ts';
import type { Exchange } from '../../../src/upstream/client.ts';
import { AnswerReader, readerOf } from '../../support/answer-reader.ts';
import { type Script, ScriptedServer, turn } from '../../support/scripted-server.ts';
import { ok, type Subject, stage } from './stage.ts';

const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello';

const answerHalf: Script = async (peer) => {
  await peer.request();
  await peer.write(HALF);
};

/** Exchanges that are given up, at every point of their life. */
export function aborting(subject: Subject): void {
  const named = (what: string, run: () => Promise<void>) => test(`${subject.name}: ${what}`, run);

  named('an exchange aborted before it has a connection leaves none', async () => {
    await using scene = await stage(subject, () => {});
    const exchange = scene.open();
    const { answer } = exchange;
    exchange.abort();
    await assertGone(answer);
    await turn();
    await scene.server.deserted();
  });

  named('an exchange aborted in the middle of a handshake closes its connection', async () => {
    await using silent = await ScriptedServer.start(() => {});
    await using scene = await stage(subject, () => {});
    const exchange = scene.open({ base: silent.url.replace('http:', 'https:') });
    const { answer } = exchange;
    const peer = await silent.peer(0);
    exchange.abort();
    await assertGone(answer);
    await peer.closed;
  });

  named('an exchange aborted while it sends its body closes its connection', async () => {
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    await using scene = await stage(subject, async (peer) => {
      await peer.head();
      resolve();
    });
    const exchange = scene.open({ method: 'POST', body: Buffer.alloc(16 * 1024 * 1024) });
    const { answer } = exchange;
    await begun;
    exchange.abort();
    await assertGone(answer);
    await scene.server.deserted();
  });

  named('an exchange aborted before its head closes its connection', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      resolve();
    });
    const exchange = scene.open();
    const { answer } = exchange;
    await asked;
    exchange.abort();
    await assertGone(answer);
    await scene.server.deserted();
  });

  named('an exchange aborted after its head tells a reader that comes later', async () => {
    await using scene = await stage(subject, answerHalf);
    const exchange = scene.open();
    const answer = await exchange.answer;
    exchange.abort();
    const reader = readerOf(answer);
    assert.ok((await reader.ended) instanceof ClientGone);
    assert.deepEqual(reader.pieces, []);
    await scene.server.deserted();
  });

  named('an exchange aborted in the middle of its body delivers nothing more', async () => {
    await using scene = await stage(subject, answerHalf);
    const exchange = scene.open();
    const reader = readerOf(await exchange.answer);
    await reader.received(5);
    exchange.abort();
    assert.ok((await reader.ended) instanceof ClientGone);
    await scene.server.deserted();
    await turn();
    assert.deepEqual([reader.text, reader.late], ['hello', []]);
  });

  named('an exchange aborted by its reader delivers nothing more, though more has come', async () => {
    for (const wire of [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
      `${HALF}world`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nG`,
    ]) {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(wire);
      });
      const exchange = scene.open();
      const reader = new AnswerReader();
      reader.onData = () => exchange.abort();
      (await exchange.answer).read(reader);
      assert.ok((await reader.ended) instanceof ClientGone);
      await turn();
      assert.deepEqual([reader.pieces.length, reader.late], [1, []]);
    }
  });

  named('an exchange aborted while its reader pauses closes its connection and delivers nothing more', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write('HTTP/1.1 200 OK\r\n\r\nhello');
      for (;;) await peer.write('more '.repeat(10_000));
    });
    const exchange = scene.open();
    const answer = await exchange.answer;
    const reader = readerOf(answer);
    await reader.received(5);
    answer.pause();
    await turn();
    exchange.abort();
    const { length } = reader.pieces;
    answer.resume();
    assert.ok((await reader.ended) instanceof ClientGone);
    await scene.server.deserted();
    assert.deepEqual([reader.pieces.length, reader.late], [length, []]);
  });

  named('aborting twice, and nobody waiting, harm nothing', async () => {
    await using scene = await stage(subject, answerHalf);
    const exchange = scene.open();
    exchange.abort();
    exchange.abort();
    exchange[Symbol.dispose]();
    await turn();
    await assertGone(exchange.answer);
  });

  named('leaving the block of an exchange aborts it', async () => {
    await using scene = await stage(subject, answerHalf);
    let reader: AnswerReader;
    {
      using exchange = scene.open();
      reader = readerOf(await exchange.answer);
    }
    assert.ok((await reader.ended) instanceof ClientGone);
    await scene.server.deserted();
  });

  named('leaving the block of an exchange whose answer was read does nothing', async () => {
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        await peer.request();
        await peer.write(ok('hi'));
      }
    });
    const exchange: Exchange = scene.open();
    const reader = readerOf(await exchange.answer);
    await reader.ended;
    exchange[Symbol.dispose]();
    exchange.abort();
    assert.equal((await scene.ask()).text, 'hi');
    assert.deepEqual([scene.server.peers.length, reader.late], [1, []]);
  });

  named('closing the client ends what is under way and leaves no connection', async () => {
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        const { head } = await peer.request();
        if (head.startsWith('GET /half')) await peer.write(HALF);
        if (head.startsWith('GET /whole')) await peer.write(ok('hi'));
      }
    });
    await scene.ask({ path: '/whole' });
    const half = readerOf(await scene.open({ path: '/half' }).answer);
    const { answer } = scene.open({ path: '/never' });
    await half.received(5);
    scene.client.close();
    assert.ok((await half.ended) instanceof ClientGone);
    await assertGone(answer);
    await scene.server.deserted();
  });

  named('a closed client opens no connection', async () => {
    await using scene = await stage(subject, () => {});
    scene.client.close();
    await assertGone(scene.open().answer);
    await turn();
    assert.equal(scene.server.peers.length, 0);
  });
}

async function assertGone(answer: Promise<unknown>): Promise<void> {
  await assert.rejects(answer, ClientGone);
}
