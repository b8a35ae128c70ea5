import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { ImageFetcher } from '../../src/upstream/image-fetch/image-fetcher.ts';
import { answers, FETCHED, HOST, image, imageStage } from './image-fetch-stage.ts';

const NOT_PUBLIC: readonly (readonly string[])[] = [
  ['127.0.0.1'],
  ['169.254.169.254'],
  ['::1'],
  ['::ffff:8.8.8.8'],
  ['8.8.8.8', '10.0.0.1'],
  ['10.0.0.1', '8.8.8.8'],
  ['8.8.8.8', '2606:4700::1', 'fe80::1'],
  ['8.8.8.8', 'fe80::1%eth0'],
  ['not an address'],
  [],
];

for (const addresses of NOT_PUBLIC) {
  test(`a host at [${addresses}] is refused, and no connection made`, async () => {
    await using stage = await imageStage(() => {}, { names: { [HOST]: [addresses] } });
    assert.equal(await stage.refusal(), 'its host is not a public one');
    assert.deepEqual(stage.dialled, []);
  });
}

test('a name is looked up once, and the connection goes to the address that was checked', async () => {
  const names = { [HOST]: [['8.8.8.8', '2606:4700::1'], ['127.0.0.1']] };
  await using stage = await imageStage(answers(image()), { names });
  assert.deepEqual(await stage.fetch(), FETCHED);
  assert.deepEqual([stage.asked, stage.dialled], [[HOST], ['8.8.8.8 443']]);
});

test('a public IP address is dialled as it is, nothing looked up, and its certificate has to be for it', async () => {
  await using stage = await imageStage(() => {}, { hosts: ['8.8.8.8', '[2606:4700::1111]:8443'] });
  assert.equal(await stage.refusal('https://8.8.8.8/'), 'its server has no valid certificate');
  assert.equal(await stage.refusal('https://[2606:4700::1111]:8443/'), 'its server has no valid certificate');
  assert.deepEqual([stage.asked, stage.dialled], [[], ['8.8.8.8 443', '2606:4700::1111 8443']]);
});

test('the certificate of another host is refused before anything is asked', async () => {
  let asked = '';
  const script = async (peer: { head(): Promise<string> }) => {
    asked = await peer.head();
  };
  const names = { 'cdn.example.org': [['8.8.8.8']] };
  await using stage = await imageStage(script, { hosts: ['*.example.org'], names });
  assert.equal(await stage.refusal('https://cdn.example.org/'), 'its server has no valid certificate');
  await stage.server.deserted();
  assert.equal(asked, '');
});

test('a name that cannot be looked up is said so, and this machine itself is not public', async () => {
  const lost = new ImageFetcher({ hosts: [HOST], resolve: () => Promise.reject(new Error('ENOTFOUND at 10.0.0.53')) });
  await assert.rejects(lost.fetch(`https://${HOST}/`), { message: 'cannot fetch the image: its host was not found' });
  const real = new ImageFetcher({ hosts: [HOST] });
  await assert.rejects(real.fetch(`https://${HOST}/`), /its host is not a public one/);
});

test('the request says nothing of the client or the router, and names the host and its port, as the TLS before it does', async () => {
  let head = '';
  let sni: unknown;
  await using stage = await imageStage(
    async (peer) => {
      head = await peer.head();
      sni = peer.socket instanceof TLSSocket && Reflect.get(peer.socket, 'servername');
      await peer.write(image());
    },
    { hosts: [`${HOST}:8443`] },
  );
  await stage.fetch(`https://${HOST}.:8443/a b.png?c=d e#f`);
  assert.deepEqual(stage.dialled, ['8.8.8.8 8443']);
  assert.equal(sni, HOST);
  assert.deepEqual(head.trimEnd().split('\r\n'), [
    'GET /a%20b.png?c=d%20e HTTP/1.1',
    'Accept: image/png, image/jpeg, image/gif, image/webp',
    'Accept-Encoding: identity',
    'User-Agent: nomyo-router',
    `Host: ${HOST}:8443`,
    'Connection: close',
  ]);
});

test('the usual port is not named', async () => {
  let head = '';
  await using stage = await imageStage(async (peer) => {
    head = await peer.head();
    await peer.write(image());
  });
  await stage.fetch(`https://${HOST}:443/`);
  assert.match(head, /\r\nHost: localhost\r\n/);
});
