import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.ts';
import { ImageFetcher } from '../../src/upstream/image-fetch/image-fetcher.ts';
import { answer, answers, FETCHED, HOST, image, imageStage, PNG } from './image-fetch-stage.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

test('an image as large as may be is fetched, one byte at a time', async () => {
  await using stage = await imageStage(
    async (peer) => {
      await peer.head();
      for (const byte of image()) await peer.write(Buffer.of(byte));
    },
    { maxBytes: PNG.length },
  );
  assert.deepEqual(await stage.fetch(), FETCHED);
});

test('an image that is announced as too large is refused before it comes', async () => {
  const head = answer(200, ['Content-Type: image/png', `Content-Length: ${PNG.length}`]);
  await using stage = await imageStage(answers(head), { maxBytes: PNG.length - 1 });
  assert.equal(await stage.refusal(), 'it is larger than 15 bytes');
});

const chunk = (bytes: Buffer) => Buffer.concat([latin1(`${bytes.length.toString(16)}\r\n`), bytes, latin1('\r\n')]);
const CHUNKED = answer(200, ['Content-Type: image/png', 'Transfer-Encoding: chunked']);
const TO_THE_END = answer(200, ['Content-Type: image/png']);

test('an image in chunks, and one that ends with its connection, are fetched', async () => {
  await using chunked = await imageStage(answers(Buffer.concat([CHUNKED, chunk(PNG), latin1('0\r\n\r\n')])));
  assert.deepEqual(await chunked.fetch(), FETCHED);
  await using closed = await imageStage(async (peer) => {
    await answers(Buffer.concat([TO_THE_END, PNG]))(peer);
    peer.end();
  });
  assert.deepEqual(await closed.fetch(), FETCHED);
});

for (const [framing, head, piece] of [
  ['in chunks', CHUNKED, chunk(PNG)],
  ['to the end of its connection', TO_THE_END, PNG],
] as const) {
  test(`an image ${framing} that never ends is refused once it is too large`, async () => {
    await using stage = await imageStage(
      async (peer) => {
        await peer.head();
        await peer.write(head);
        for (;;) await peer.write(piece);
      },
      { maxBytes: 1_000 },
    );
    assert.equal(await stage.refusal(), 'it is larger than 1000 bytes');
  });
}

const CUT: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['shorter than announced', answer(200, ['Content-Type: image/png', 'Content-Length: 17'], PNG)],
  ['without its last chunk', Buffer.concat([CHUNKED, chunk(PNG)])],
  ['with chunks that are none', Buffer.concat([CHUNKED, chunk(PNG), latin1('zz\r\n')])],
];

for (const [name, bytes] of CUT) {
  test(`an image ${name} is refused`, async () => {
    await using stage = await imageStage(async (peer) => {
      await answers(bytes)(peer);
      peer.end();
    });
    assert.equal(await stage.refusal(), 'its server broke off in the middle');
  });
}

const NO_ANSWERS: readonly (readonly [name: string, bytes: string])[] = [
  ['nothing', ''],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-Ty'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
  ['a head without an end', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
];

for (const [name, bytes] of NO_ANSWERS) {
  test(`a server that says ${name} did not answer`, async () => {
    await using stage = await imageStage(async (peer) => {
      await answers(latin1(bytes))(peer);
      peer.end();
    });
    assert.equal(await stage.refusal(), 'its server did not answer');
  });
}

test('a connection that is reset or refused is no answer', async () => {
  await using stage = await imageStage(async (peer) => {
    await peer.head();
    peer.reset();
  });
  assert.equal(await stage.refusal(), 'its server did not answer');
  const connect = () => net.connect({ host: '127.0.0.1', port: 1 });
  const fetcher = new ImageFetcher({ hosts: [HOST], resolve: async () => ['8.8.8.8'], connect });
  await assert.rejects(fetcher.fetch(`https://${HOST}/`), (error) => {
    assert.ok(error instanceof RouterError && error.details.cause instanceof Error);
    assert.equal(error.message, 'cannot fetch the image: its server did not answer');
    assert.match(error.details.cause.message, /ECONNREFUSED/, 'the cause is kept for the log');
    return true;
  });
});
