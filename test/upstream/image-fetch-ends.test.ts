import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { ClientGone } from '../../src/errors.ts';
import { ImageFetcher } from '../../src/upstream/image-fetch/image-fetcher.ts';
import { type Peer, type Script, turn } from '../support/scripted-server.ts';
import { answer, answers, HOST, type ImageStage, image, imageStage, PNG } from './image-fetch-stage.ts';

const HALF = answer(200, ['Content-Type: image/png', 'Content-Length: 1000'], PNG);
const url = `https://${HOST}/a.png`;

/** Sends a byte of an image with every turn, for ever. */
const drip: Script = async (peer) => {
  await peer.head();
  await peer.write(answer(200, ['Content-Type: image/png']));
  for (;;) await peer.write('x');
};

const silent: Script = (peer) => peer.closed;

const SLOW: readonly (readonly [name: string, script: Script])[] = [
  ['does not answer', silent],
  ['stops in the middle', answers(HALF)],
  ['drips', drip],
  [
    'sends no end of early hints',
    async (peer: Peer) => {
      await peer.head();
      for (;;) await peer.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    },
  ],
];

for (const [name, script] of SLOW) {
  test(`a server that ${name} has its time, and no more`, async () => {
    await using stage = await imageStage(script, { timeoutMs: 100 });
    assert.equal(await stage.refusal(), 'it took longer than 0.1 s');
  });
}

test('the time is for all redirects together', async () => {
  const wait = (peer: Peer) => new Promise((resolve) => peer.socket.setTimeout(60, () => resolve(undefined)));
  await using stage = await imageStage(
    async (peer) => {
      await peer.head();
      await wait(peer);
      await peer.write(answer(302, ['Location: /b', 'Content-Length: 0']));
    },
    { timeoutMs: 150 },
  );
  assert.equal(await stage.refusal(), 'it took longer than 0.15 s');
});

test('the time is for the lookup of the name as well', async () => {
  const fetcher = new ImageFetcher({ hosts: [HOST], timeoutMs: 50, resolve: () => new Promise(() => {}) });
  await assert.rejects(fetcher.fetch(url), /it took longer than 0.05 s/);
});

/** Fetches, lets the client leave at the moment given, and expects that this is all that happened. */
async function left(stage: ImageStage, moment: Promise<unknown>): Promise<void> {
  const fetched = assert.rejects(stage.fetch(), ClientGone);
  await moment;
  stage.leave();
  await fetched;
}

test('who leaves before the answer, or in the middle of it, ends the connection', async () => {
  const heard = Promise.withResolvers<string>();
  await using before = await imageStage(async (peer) => {
    heard.resolve(await peer.head());
    await peer.closed;
  });
  await left(before, heard.promise);
  await before.server.deserted();

  const sent = Promise.withResolvers<void>();
  await using amid = await imageStage(async (peer) => {
    await answers(HALF)(peer);
    await turn();
    sent.resolve();
  });
  await left(amid, sent.promise);
  await amid.server.deserted();
});

test('who leaves while the connection is made ends it', async () => {
  await using at = await imageStage(silent);
  const dialled = Promise.withResolvers<void>();
  at.onDial = dialled.resolve;
  await left(at, dialled.promise);

  await using same = await imageStage(silent);
  same.onDial = () => same.leave();
  await assert.rejects(same.fetch(), ClientGone);
});

test('who left beforehand causes no lookup', async () => {
  await using stage = await imageStage(silent);
  stage.leave();
  await assert.rejects(stage.fetch(), ClientGone);
  assert.deepEqual([stage.asked, stage.dialled], [[], []]);
});

test('who leaves during the lookup is not kept, and no connection follows when it is done', async () => {
  const lookup = Promise.withResolvers<readonly string[]>();
  let connections = 0;
  const connect = () => {
    connections++;
    return new Duplex();
  };
  const fetcher = new ImageFetcher({ hosts: [HOST], resolve: () => lookup.promise, connect });
  const client = new AbortController();
  const fetched = fetcher.fetch(url, client.signal);
  client.abort();
  await assert.rejects(fetched, ClientGone);
  lookup.resolve(['8.8.8.8']);
  await turn();
  assert.equal(connections, 0);
});

test('who stays has the image, and leaving afterwards changes nothing', async () => {
  await using stage = await imageStage(answers(image()));
  const { mediaType } = await stage.fetch();
  stage.leave();
  assert.equal(mediaType, 'image/png');
});
