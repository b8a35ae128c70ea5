import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerReader, asFailure, failureOf, readerOf } from '../../support/answer-reader.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { impatient, ok, type Subject, stage } from './stage.ts';

/** Endpoints that are not there, or fall silent. */
export function failures(subject: Subject): void {
  const scheme = subject.credentials === undefined ? 'http' : 'https';
  const named = (what: string, run: () => Promise<void>) => test(`${subject.name}: ${what}`, run);

  named('an endpoint that does not listen is unreachable, in words', async () => {
    await using scene = await stage(subject, () => {});
    const failure = await failureOf(scene.ask({ base: `${scheme}://127.0.0.1:${await unusedPort()}` }));
    assert.deepEqual([failure.reason, failure.message], ['unreachable', 'connection refused']);
  });

  named('a host that has no address is unreachable, in words', async () => {
    await using scene = await stage(subject, () => {});
    const failure = await failureOf(scene.ask({ base: `${scheme}://no-such-host.invalid` }));
    assert.equal(failure.reason, 'unreachable');
    assert.match(failure.message, /^host name (not found|lookup failed)$/);
  });

  named('a connection that is reset at once is broken, in words', async () => {
    await using scene = await stage(subject, (peer) => peer.reset());
    const failure = await failureOf(scene.ask());
    assert.equal(failure.reason, 'broken');
    assert.match(failure.message, /^(connection reset|closed the connection early)$/);
  });

  named('a connection that does not come about in time is a timeout', async () => {
    await using silent = await ScriptedServer.start(() => {});
    await using scene = await stage(subject, () => {});
    // Accepts the connection and never shakes hands.
    const base = silent.url.replace('http:', 'https:');
    const failure = await failureOf(scene.ask({ base, ...impatient({ connect: 30 }) }));
    assert.deepEqual([failure.reason, failure.message], ['timeout', 'no connection for 0.03 s']);
    await silent.deserted();
  });

  named('a handshake that never comes to its end is a timeout, though it goes on', async () => {
    await using slow = await ScriptedServer.start(async (peer) => {
      // The header of a TLS handshake record, then its body a byte at a time.
      await peer.write('\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb');
      for (;;) await peer.write('\0');
    });
    await using scene = await stage(subject, () => {});
    const base = slow.url.replace('http:', 'https:');
    const failure = await failureOf(scene.ask({ base, ...impatient({ connect: 30 }) }));
    assert.deepEqual([failure.reason, failure.message], ['timeout', 'no connection for 0.03 s']);
  });

  named('an endpoint that reads the request and sends nothing is a timeout', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
    });
    const failure = await failureOf(scene.ask(impatient({ firstByte: 30 })));
    assert.deepEqual([failure.reason, failure.message], ['timeout', 'sent nothing for 0.03 s']);
    await (await scene.server.peer(0)).closed;
  });

  named('the limits hold without a limit for connecting', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
    });
    const failure = await failureOf(scene.ask(impatient({ connect: 0, firstByte: 30 })));
    assert.equal(failure.reason, 'timeout');
  });

  named('an answer that stops in the middle is a timeout', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    });
    const { text, error } = await scene.ask(impatient({ idle: 30 }));
    const { reason, message } = asFailure(error);
    assert.deepEqual([text, reason, message], ['hello', 'timeout', 'stalled for 0.03 s']);
    await (await scene.server.peer(0)).closed;
  });

  named('a reader that pauses is not an endpoint that is silent', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    });
    using paused = scene.open(impatient({ idle: 200 }));
    const answer = await paused.answer;
    const reader = readerOf(answer);
    await reader.received(5);
    answer.pause();
    let failed = false;
    void reader.ended.then(() => {
      failed = true;
    });
    // Longer than the pause would have lasted: the same limit, once again and then twice as long.
    await scene.ask(impatient({ idle: 200 }));
    await scene.ask(impatient({ idle: 400 }));
    assert.equal(failed, false);
    answer.resume();
    assert.equal(asFailure(await reader.ended).reason, 'timeout');
  });

  named('an answer that nobody has begun to read does not fail for being held back', async () => {
    await using scene = await stage(subject, async (peer) => {
      const { head } = await peer.request();
      await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345');
      if (head.startsWith('GET /stall')) return;
      await peer.write('67');
      await peer.write('890');
    });
    using exchange = scene.open(impatient({ firstByte: 200, idle: 200 }));
    const answer = await exchange.answer;
    await scene.ask({ path: '/stall', ...impatient({ idle: 200 }) });
    await scene.ask({ path: '/stall', ...impatient({ idle: 400 }) });
    const reader = readerOf(answer);
    assert.deepEqual([await reader.ended, reader.text], [undefined, '1234567890']);
  });

  named('a failure can be heard late', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      peer.reset();
    });
    using exchange = scene.open();
    await (await scene.server.peer(0)).closed;
    await scene.ask().catch(() => {});
    assert.equal((await failureOf(exchange.answer)).reason, 'broken');
  });

  named('an answer is broken off for its reader, too, when its reader comes late', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      peer.reset();
    });
    using exchange = scene.open();
    const answer = await exchange.answer;
    await (await scene.server.peer(0)).closed;
    await scene.ask();
    const reader = readerOf(answer);
    assert.deepEqual([asFailure(await reader.ended).reason, reader.text], ['broken', 'hello']);
  });

  named('a reader that throws gets what it threw as the end of its answer', async () => {
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        await peer.request();
        await peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
        await peer.write('world');
      }
    });
    for (const nth of [1, 2]) {
      using exchange = scene.open();
      const answer = await exchange.answer;
      const thrown = new RangeError('a bug in the reader');
      const reader = new AnswerReader();
      reader.onData = () => {
        if (reader.pieces.length === nth) throw thrown;
      };
      answer.read(reader);
      assert.deepEqual([await reader.ended, reader.pieces.length, reader.late], [thrown, nth, []]);
    }
    await scene.server.deserted();
  });

  named('a reader that cannot take the end gets what it threw', async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write(ok('hi'));
    });
    using exchange = scene.open();
    const answer = await exchange.answer;
    const thrown = new RangeError('a bug in the reader');
    const told = await new Promise((resolve) => {
      answer.read({
        data: () => {},
        end: () => {
          throw thrown;
        },
        fail: resolve,
      });
    });
    assert.equal(told, thrown);
  });
}

/** A port on which nothing listens. */
async function unusedPort(): Promise<number> {
  await using server = await ScriptedServer.start(() => {});
  return server.port;
}
