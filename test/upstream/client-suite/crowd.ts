import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ClientGone, EndpointFailure } from '../../../src/errors.ts';
import type { Exchange } from '../../../src/upstream/client.ts';
import { readerOf } from '../../support/answer-reader.ts';
import { type Peer, turn } from '../../support/scripted-server.ts';
import { ok, type Stage, type Subject, stage } from './stage.ts';

const EXCHANGES = 300;

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Many at once, in every kind of mess. */
export function crowd(subject: Subject): void {
  test(`${subject.name}: hundreds of exchanges with aborts at random leave no socket, listener or rejection`, async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const random = randomFrom(20_260);
    {
      await using scene = await stage(subject, (peer) => answerSomehow(peer, random));
      for (let round = 0; round < 2; round++) {
        const ends = await Promise.all(Array.from({ length: EXCHANGES }, () => someExchange(scene, random)));
        assert.ok(ends.filter((end) => end === 'whole').length > EXCHANGES / 10, 'some came in full');
        assert.ok(ends.includes('aborted') && ends.includes('failed'));
      }
      scene.client.close();
      await scene.server.deserted();
    }
    process.off('warning', note);
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      process.getActiveResourcesInfo().filter((name) => /^(TCPSocket|TLS)/.test(name)),
      [],
    );
  });

  test(`${subject.name}: an exchange that is over is forgotten, though its connection lives on`, async () => {
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        await peer.request();
        await peer.write(ok('hi'));
      }
    });
    const exchanges = [await finished(scene, false), await finished(scene, true), await finished(scene, false)];
    await turn();
    collectGarbage();
    assert.deepEqual(
      exchanges.map((exchange) => exchange.deref()),
      [undefined, undefined, undefined],
    );
  });

  test(`${subject.name}: a thousand requests over one connection leave no listener behind`, async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    await using scene = await stage(subject, async (peer) => {
      for (;;) {
        await peer.request();
        await peer.write(ok('hi'));
      }
    });
    for (let i = 0; i < 1000; i++)
      await scene.ask({ timeouts: { connect: 1000 + i, firstByte: 2000 + i, idle: 3000 + i } });
    process.off('warning', note);
    assert.deepEqual([scene.server.peers.length, warnings], [1, []]);
  });
}

/** An exchange of which nothing is kept but this. */
async function finished(scene: Stage, abort: boolean): Promise<WeakRef<Exchange>> {
  const exchange = scene.open();
  const answer = await exchange.answer;
  if (abort) exchange.abort();
  await readerOf(answer).ended;
  return new WeakRef(exchange);
}

/** Answers, whole or in pieces, or leaves in the middle. */
async function answerSomehow(peer: Peer, random: () => number): Promise<void> {
  for (;;) {
    await peer.request();
    const body = 'x'.repeat(Math.floor(random() * 50_000));
    if (random() < 0.1) return peer.reset();
    if (random() < 0.5) {
      await peer.write(ok(body));
      continue;
    }
    await peer.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`);
    if (body.length === 0) return peer.end();
    await peer.write(body);
    if (random() < 0.2) return peer.end();
    await peer.write('\r\n0\r\n\r\n');
  }
}

/** One exchange, given up somewhere or read to its end; which of these it was. */
async function someExchange(scene: Stage, random: () => number): Promise<'whole' | 'aborted' | 'failed'> {
  using exchange = scene.open({ method: 'POST', body: Buffer.alloc(Math.floor(random() * 150_000)) });
  try {
    if (random() < 0.1) exchange.abort();
    const answer = await exchange.answer;
    if (random() < 0.1) exchange.abort();
    const reader = readerOf(answer);
    reader.onData = () => misbehave(exchange, answer, random);
    const error = await reader.ended;
    assert.deepEqual(reader.late, []);
    if (error !== undefined) throw error;
    return 'whole';
  } catch (error) {
    if (error instanceof ClientGone) return 'aborted';
    assert.ok(error instanceof EndpointFailure, String(error));
    return 'failed';
  }
}

function misbehave(exchange: Exchange, answer: { pause(): void; resume(): void }, random: () => number): void {
  if (random() < 0.1) exchange.abort();
  if (random() < 0.3) {
    answer.pause();
    setImmediate(() => answer.resume());
  }
}

/** Random numbers that are the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
