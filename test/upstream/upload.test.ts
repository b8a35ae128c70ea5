import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BodySink, StreamedBody } from '../../src/upstream/client.ts';
import { Http1Client } from '../../src/upstream/http1-client.ts';
import { failureOf, readerOf } from '../support/answer-reader.ts';
import { type Peer, type Script, turn } from '../support/scripted-server.ts';
import { impatient, ok, type Stage, stage } from './client-suite/stage.ts';

const subject = { name: 'Http1Client', create: () => new Http1Client(), stride: 1 };

/** A streamed body whose pieces the test sends itself. */
class Hand implements StreamedBody {
  readonly size: number | undefined;
  sink: BodySink = { write: () => assert.fail('not started'), end: () => assert.fail('not started') };
  #onDrained: () => void = () => {};

  constructor(size?: number) {
    this.size = size;
  }

  start(sink: BodySink): void {
    this.sink = sink;
  }

  /** Resolves when the next piece may be written. */
  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  drained(): void {
    this.#onDrained();
  }
}

function post(at: Stage, body: StreamedBody, more: Parameters<Stage['open']>[0] = {}) {
  return at.open({ method: 'POST', body, ...more });
}

/** Everything that came, until the request is over. */
async function untilChunksEnd(peer: Peer, head: string): Promise<string> {
  let all = head;
  while (!all.endsWith('0\r\n\r\n')) all += (await peer.some()).toString('latin1');
  return all;
}

test('a body of unknown size goes out in chunks, on a connection of its own', async () => {
  let came = '';
  const script: Script = async (peer) => {
    const first = await peer.head();
    if (first.startsWith('GET')) return peer.write(ok('kept'));
    came = await untilChunksEnd(peer, first);
    await peer.write(ok('done'));
  };
  await using at = await stage(subject, script);
  assert.equal((await at.ask()).text, 'kept');
  const body = new Hand();
  using exchange = post(at, body);
  body.sink.write(Buffer.from('hello'));
  body.sink.write(Buffer.alloc(0));
  body.sink.write(Buffer.alloc(26, 'x'));
  body.sink.end();
  const reader = readerOf(await exchange.answer);
  assert.equal(await reader.ended, undefined);
  assert.equal(reader.text, 'done');
  const [head, sent] = came.split('\r\n\r\n');
  assert.match(`${head}\r\n`, /\r\nTransfer-Encoding: chunked\r\n/);
  assert.doesNotMatch(head ?? '', /content-length/i);
  assert.equal(sent?.replaceAll('\r\n', '|'), `5|hello|1a|${'x'.repeat(26)}|0`);
  assert.equal(at.server.peers.length, 2);
  await at.server.peers[1]?.closed;
});

test('a body of known size goes out as it is', async () => {
  let came = '';
  const script: Script = async (peer) => {
    const { head, body } = await peer.request();
    came = `${head}${body}`;
    await peer.write(ok('done'));
  };
  await using at = await stage(subject, script);
  const body = new Hand(10);
  using exchange = post(at, body);
  body.sink.write(Buffer.from('hello'));
  body.sink.write(Buffer.from('world'));
  body.sink.end();
  await exchange.answer;
  assert.match(came, /\r\nContent-Length: 10\r\n\r\nhelloworld$/);
});

test('an endpoint that does not read is written no more than its connection holds', async () => {
  const script: Script = async (peer) => {
    await peer.head();
    peer.socket.pause();
    await peer.closed;
  };
  await using at = await stage(subject, script);
  const body = new Hand();
  using exchange = post(at, body);
  const piece = Buffer.alloc(64 * 1024);
  const peer = await at.server.peer(0);
  await turn();
  peer.socket.pause();
  let written = 0;
  // Room comes back while the systems' buffers fill, and then no more.
  for (let room = true; room; written++) {
    if (body.sink.write(piece)) continue;
    room = await Promise.race([body.room().then(() => true), noMore(peer)]);
  }
  assert.ok(written < 1_000, `${written} pieces`);
  const again = body.room();
  peer.socket.resume();
  await again;
  exchange.abort();
});

/** False when nothing has moved for a while of turns. */
async function noMore(peer: Peer): Promise<boolean> {
  for (let turns = 0; turns < 500; turns++) await turn();
  return peer.socket.destroyed;
}

test('an answer that comes before the body is sent is delivered, and the rest dropped', async () => {
  const script: Script = async (peer) => {
    await peer.head();
    await peer.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    peer.reset();
  };
  await using at = await stage(subject, script);
  const body = new Hand();
  using exchange = post(at, body);
  const answer = await exchange.answer;
  const reader = readerOf(answer);
  assert.equal(await reader.ended, undefined);
  assert.equal(answer.status, 200);
  for (let i = 0; i < 100; i++) assert.equal(body.sink.write(Buffer.alloc(64 * 1024)), true);
  body.sink.end();
  await at.server.deserted();
});

test('a connection that breaks before the answer fails the request, which is not sent again', async () => {
  const script: Script = async (peer) => {
    await peer.head();
    peer.reset();
  };
  await using at = await stage(subject, script);
  const body = new Hand();
  using exchange = post(at, body);
  body.sink.write(Buffer.from('x'));
  assert.equal((await failureOf(exchange.answer)).reason, 'broken');
  assert.equal(at.server.peers.length, 1);
  assert.equal(body.sink.write(Buffer.from('x')), true);
});

test('the silence of whoever sends the body is not held against the endpoint', async () => {
  const script: Script = async (peer) => {
    await untilChunksEnd(peer, await peer.head());
    await peer.write(ok('done'));
  };
  await using at = await stage(subject, script);
  const body = new Hand();
  using exchange = post(at, body, impatient({ firstByte: 250, idle: 250 }));
  const peer = await at.server.peer(0);
  // The endpoint's own timer stands for time that passes: several times the client's patience.
  await new Promise((resolve) => peer.socket.setTimeout(600, () => resolve(undefined)));
  body.sink.write(Buffer.from('x'));
  body.sink.end();
  assert.equal((await exchange.answer).status, 200);
});

test('an endpoint that takes no more, or does not answer after the end, is given up', async () => {
  await using at = await stage(subject, (peer) => peer.closed);
  const silent = new Hand();
  using unanswered = post(at, silent, impatient({ firstByte: 50 }));
  silent.sink.end();
  assert.match((await failureOf(unanswered.answer)).message, /sent nothing for 0.05 s/);
  const stuck = new Hand();
  using blocked = post(at, stuck, impatient({ idle: 50 }));
  const peer = await at.server.peer(1);
  peer.socket.pause();
  stuck.sink.write(Buffer.alloc(64 * 1024 * 1024));
  assert.match((await failureOf(blocked.answer)).message, /took nothing of the body for 0.05 s/);
  // A socket that does not read does not see its peer leave.
  peer.socket.resume();
});
