import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asFailure, failureOf } from '../../support/answer-reader.ts';
import { type Stage, type Subject, stage, type Whole } from './stage.ts';

/** An answer as endpoints send it, and what it means. */
interface Recorded {
  readonly wire: string;
  readonly status: number;
  readonly text: string;
  readonly method?: 'GET' | 'HEAD';
  /** The end of the connection is the end of the body. */
  readonly untilClose?: boolean;
  /** The connection may carry another request. */
  readonly reusable: boolean;
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

const ANSWERS: Readonly<Record<string, Recorded>> = {
  'a content-length': {
    wire: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world',
    status: 200,
    text: 'hello world',
    reusable: true,
  },
  'the same content-length twice': {
    wire: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nhi',
    status: 200,
    text: 'hi',
    reusable: true,
  },
  'an empty body': { wire: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', status: 200, text: '', reusable: true },
  'no reason phrase, and a status of its own': {
    wire: 'HTTP/1.1 599\r\nContent-Length: 1\r\n\r\nx',
    status: 599,
    text: 'x',
    reusable: true,
  },
  chunks: {
    wire: `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`,
    status: 200,
    text: 'hello world',
    reusable: true,
  },
  'chunks with capital digits, zeros in front, extensions and trailers': {
    wire: `${CHUNKED}A;name=value\r\n0123456789\r\n00b ; q="x y"\r\n0123456789a\r\n0;last\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n`,
    status: 200,
    text: '01234567890123456789a',
    reusable: true,
  },
  'a chunked empty body': { wire: `${CHUNKED}0\r\n\r\n`, status: 200, text: '', reusable: true },
  'chunks that hold what looks like chunks': {
    wire: `${CHUNKED}7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n`,
    status: 200,
    text: '0\r\n\r\n\r\n',
    reusable: true,
  },
  'chunks that end with the connection': {
    wire: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nConnection: keep-alive, Close\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    status: 200,
    text: 'x',
    reusable: false,
  },
  'no framing but the end of the connection': {
    wire: 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end',
    status: 200,
    text: 'to the end',
    untilClose: true,
    reusable: false,
  },
  'HTTP/1.0 and the end of the connection': {
    wire: 'HTTP/1.0 200 OK\r\n\r\nold',
    status: 200,
    text: 'old',
    untilClose: true,
    reusable: false,
  },
  'HTTP/1.0 and a content-length': {
    wire: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold',
    status: 200,
    text: 'old',
    reusable: false,
  },
  'HTTP/1.0 that keeps the connection': {
    wire: 'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 3\r\n\r\nold',
    status: 200,
    text: 'old',
    reusable: true,
  },
  'HTTP/1.0 in chunks, which it does not have': {
    wire: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    status: 200,
    text: 'x',
    reusable: false,
  },
  'two Connection headers, one of which closes': {
    wire: 'HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
    status: 200,
    text: 'x',
    reusable: false,
  },
  'the answer to HEAD': {
    wire: 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n',
    method: 'HEAD',
    status: 200,
    text: '',
    reusable: true,
  },
  'status 204': { wire: 'HTTP/1.1 204 No Content\r\n\r\n', status: 204, text: '', reusable: true },
  'status 304 with a content-length': {
    wire: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    status: 304,
    text: '',
    reusable: true,
  },
  'interim answers first': {
    wire: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    status: 200,
    text: 'hi',
    reusable: true,
  },
};

/** Every framing of an answer, whole, cut anywhere and broken off anywhere. */
export function framing(subject: Subject): void {
  for (const [what, recorded] of Object.entries(ANSWERS)) {
    test(`${subject.name}: an answer with ${what} is read to its end`, () => isRead(subject, recorded));
    test(`${subject.name}: an answer with ${what} is the same wherever the network cuts it`, () =>
      isCutProof(subject, recorded));
    test(`${subject.name}: an answer with ${what} that breaks off anywhere is never taken for complete`, () =>
      isNeverShort(subject, recorded));
  }

  test(`${subject.name}: an answer that comes byte by byte is the same`, async () => {
    const recorded = ANSWERS['chunks with capital digits, zeros in front, extensions and trailers'] ?? never();
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      for (const byte of recorded.wire) await peer.write(byte);
    });
    assertWhole(await scene.ask(), recorded);
  });

  test(`${subject.name}: a header keeps its spelling, its order and each of its bytes`, async () => {
    await using scene = await stage(subject, async (peer) => {
      await peer.request();
      await peer.write(
        'HTTP/1.1 200 OK\r\nX-b: \t one \xc3\xa0 \t\r\nx-A:two: three\r\nX-Empty:\r\nx-b: \xa0\r\nContent-Length: 0\r\n\r\n',
      );
    });
    const headers = ['X-b', 'one \xc3\xa0', 'x-A', 'two: three', 'X-Empty', '', 'x-b', '\xa0', 'Content-Length', '0'];
    assert.deepEqual((await scene.ask()).headers, headers);
  });

  test(`${subject.name}: a connection that is reset in the middle is a failure, whatever the framing`, async () => {
    for (const { wire, text } of Object.values(ANSWERS).filter((recorded) => recorded.text !== '')) {
      await using scene = await stage(subject, async (peer) => {
        await peer.request();
        await peer.write(wire.slice(0, wire.lastIndexOf(text.slice(-1))));
        peer.reset();
      });
      const { error } = await scene.ask();
      assert.equal(asFailure(error).reason, 'broken');
    }
  });
}

async function isRead(subject: Subject, recorded: Recorded): Promise<void> {
  await using scene = await answering(subject, () => [recorded.wire], recorded);
  assertWhole(await scene.ask({ method: recorded.method ?? 'GET' }), recorded);
  assertWhole(await scene.ask({ method: recorded.method ?? 'GET' }), recorded);
  assert.equal(scene.server.peers.length, recorded.reusable ? 1 : 2, 'connections');
}

async function isCutProof(subject: Subject, recorded: Recorded): Promise<void> {
  const { wire, method = 'GET' } = recorded;
  let cut = 1;
  await using scene = await answering(subject, () => [wire.slice(0, cut), wire.slice(cut)], recorded);
  for (; cut < wire.length; cut += subject.stride) assertWhole(await scene.ask({ method }), recorded, `cut at ${cut}`);
}

async function isNeverShort(subject: Subject, { wire, untilClose, method = 'GET' }: Recorded): Promise<void> {
  const finalHead = wire.lastIndexOf('HTTP/1.');
  const headEnd = wire.indexOf('\r\n\r\n', finalHead) + 4;
  let length = 0;
  await using scene = await stage(subject, async (peer) => {
    await peer.request();
    await peer.write(wire.slice(0, length));
    peer.end();
  });
  for (; length < headEnd; length += subject.stride) {
    assert.equal((await failureOf(scene.ask({ method }))).reason, 'broken', `broken off at ${length}`);
  }
  if (untilClose) return;
  for (length = headEnd; length < wire.length; length += subject.stride) {
    assert.equal(asFailure((await scene.ask({ method })).error).reason, 'broken', `broken off at ${length}`);
  }
}

/** Answers every request with these pieces; closes the connection where that is the answer's end. */
function answering(subject: Subject, pieces: () => readonly string[], { untilClose }: Recorded): Promise<Stage> {
  return stage(subject, async (peer) => {
    for (;;) {
      await peer.request();
      for (const piece of pieces()) await peer.write(piece);
      if (untilClose) peer.end();
    }
  });
}

function assertWhole({ status, text, error }: Whole, recorded: Recorded, message?: string): void {
  assert.deepEqual(
    { status, text, error },
    { status: recorded.status, text: recorded.text, error: undefined },
    message,
  );
}

function never(): never {
  throw new Error('no such answer');
}
