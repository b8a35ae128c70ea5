import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, readerOf } from '../../support/answer-reader.ts';
import { type Peer, type Script, turn } from '../../support/scripted-server.ts';
import { impatient, ok, type Stage, type Subject, stage } from './stage.ts';

/** Which connections carry another request, and what happens when one turns out to be dead. */
export function reuse(subject: Subject): void {
  const named = (what: string, run: () => Promise<void>) => test(`${subject.name}: ${what}`, run);

  named('requests one after another share a connection, requests at once do not', async () => {
    await using scene = await stage(subject, answerAll);
    for (let i = 0; i < 3; i++) await scene.ask();
    assert.equal(scene.server.peers.length, 1);
    await Promise.all([scene.ask(), scene.ask()]);
    assert.equal(scene.server.peers.length, 2);
  });

  named('a connection is not used again when bytes follow the answer', async () => {
    for (const extra of ['\r\n', 'x', ok('another answer')]) {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(ok('one') + extra);
      });
      assert.equal((await scene.ask()).text, 'one');
      assert.equal((await scene.ask()).text, 'one');
      assert.equal(scene.server.peers.length, 2);
    }
  });

  named('a connection is not used again when bytes follow an answer without a body', async () => {
    for (const head of ['HTTP/1.1 204 No Content\r\n\r\n', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n']) {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(`${head}hi`);
      });
      assert.equal((await scene.ask()).text, '');
      assert.equal((await scene.ask()).text, '');
      assert.equal(scene.server.peers.length, 2);
    }
  });

  named('an idle connection on which bytes arrive is closed', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write(ok('one'));
      await peer.write(ok('nobody asked'));
    });
    assert.equal((await scene.ask()).text, 'one');
    await (await scene.server.peer(0)).closed;
    assert.equal((await scene.ask()).text, 'one');
  });

  named('a connection that the endpoint closes while it is idle is not used again', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write(ok('one'));
      peer.end();
    });
    await scene.ask();
    await (await scene.server.peer(0)).closed;
    assert.equal((await scene.ask()).text, 'one');
  });

  for (const [how, leave] of Object.entries(LEAVING)) {
    named(`a request that meets a connection just ${how} is sent again`, async () => {
      await using scene = await stage(subject, answerAll);
      await scene.ask();
      leave(await scene.server.peer(0));
      assert.equal((await scene.ask({ method: 'POST', body: Buffer.from('again') })).text, 'POST / again');
      assert.equal(scene.server.peers.length, 2);
    });

    named(`a request upon whose arrival a used connection is ${how} is sent again, once and whole`, async () => {
      let asked = 0;
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        if (asked++ > 0) return leave(peer);
        await peer.write(ok('one'));
        await peer.request();
        leave(peer);
      });
      await scene.ask();
      const body = Buffer.alloc(300_000, 'body');
      assert.equal((await failureOf(scene.ask({ method: 'POST', body }))).reason, 'broken');
      assert.equal(scene.server.peers.length, 2, 'one fresh connection, and no other');
    });

    named(`a request upon whose arrival a fresh connection is ${how} is not sent again`, async () => {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        leave(peer);
      });
      assert.equal((await failureOf(scene.ask())).reason, 'broken');
      assert.equal(scene.server.peers.length, 1);
    });

    named(`a request is not sent again once a byte of its answer has come and the connection is ${how}`, async () => {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(ok('one'));
        await peer.request();
        await peer.write('H');
        leave(peer);
      });
      await scene.ask();
      assert.equal((await failureOf(scene.ask())).reason, 'broken');
      assert.equal(scene.server.peers.length, 1);
    });
  }

  named('a request that is sent again takes a fresh connection, not another that was idle as long', async () => {
    const received: number[] = [];
    await using scene = await stage(subject, async (peer) => {
      const index = scene.server.peers.indexOf(peer);
      for (let count = 1; ; count++) {
        await peer.request();
        received[index] = count;
        if (count > 1) return peer.reset();
        await peer.write(ok('hi'));
      }
    });
    await Promise.all([scene.ask(), scene.ask()]);
    await scene.ask();
    assert.deepEqual(received.toSorted(), [1, 1, 2]);
  });

  named('a request is not sent again after a silence', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write(ok('one'));
    });
    await scene.ask();
    assert.equal((await failureOf(scene.ask(impatient({ firstByte: 30 })))).reason, 'timeout');
    assert.equal(scene.server.peers.length, 1);
  });

  named('an aborted request is not sent again', async () => {
    await using scene = await stage(subject, answerAll);
    await scene.ask();
    const peer = await scene.server.peer(0);
    const exchange = scene.open();
    exchange.abort();
    peer.reset();
    await peer.closed;
    await turn();
    assert.equal(scene.server.peers.length, 1);
  });

  for (const [how, header] of [
    ['keeps the connection', []],
    ['closes it', ['Connection: close']],
  ] as const) {
    named(`an answer that comes before the request was read, and ${how}, is delivered and ends the connection`, () =>
      early(subject, [...header]),
    );
  }

  named('an endpoint that answers early and leaves for good fails or answers, but does not hang', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.head();
      await peer.write(ok('too large'));
      peer.reset();
    });
    const asked = scene.ask({ method: 'POST', body: Buffer.alloc(16 * 1024 * 1024) });
    const said = await asked.then(
      ({ text, error }) => error ?? text,
      (error: unknown) => error,
    );
    if (said !== 'too large') assert.equal((await failureOf(Promise.reject(said))).reason, 'broken');
  });

  named('an answer that was read to its end gives its connection back, one that was not does not', async () => {
    await using scene = await stage(subject, answerAll);
    {
      using exchange = scene.open();
      await readerOf(await exchange.answer).ended;
    }
    await scene.ask();
    assert.equal(scene.server.peers.length, 1);
  });
}

const LEAVING: Readonly<Record<string, (peer: Peer) => void>> = {
  closed: (peer) => peer.end(),
  reset: (peer) => peer.reset(),
};

const answerAll: Script = async (peer) => {
  for (;;) {
    const { head, body } = await peer.request();
    await peer.write(ok(`${head.split(' HTTP')[0]} ${body.toString('latin1')}`.trim()));
  }
};

async function early(subject: Subject, headers: readonly string[]): Promise<void> {
  await using scene: Stage = await stage(subject, async (peer) => {
    await peer.head();
    peer.socket.pause();
    await peer.write(ok('too large', ...headers));
    peer.socket.resume();
  });
  const body = Buffer.alloc(16 * 1024 * 1024);
  assert.equal((await scene.ask({ method: 'POST', body })).text, 'too large');
  await (await scene.server.peer(0)).closed;
  assert.equal((await scene.ask({ method: 'POST', body })).text, 'too large');
  assert.equal(scene.server.peers.length, 2);
}
