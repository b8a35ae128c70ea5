import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, answers, FETCHED, HOST, image, imageStage } from './image-fetch-stage.ts';

const to = (location: string, status = 302) => answer(status, [`Location: ${location}`, 'Content-Length: 0']);

for (const status of [301, 302, 303, 307, 308]) {
  test(`a redirect with ${status} is followed`, async () => {
    await using stage = await imageStage(answers(to('/b.png', status), image()));
    assert.deepEqual(await stage.fetch(), FETCHED);
  });
}

test('three redirects are followed, each looked up and dialled anew, and a relative one from where it was found', async () => {
  const hosts = [HOST, `${HOST}:8443`];
  const paths: string[] = [];
  const all = [to('sub/b'), to(`https://${HOST}:8443/x/y`), to('../z'), image()];
  await using stage = await imageStage(
    async (peer) => {
      paths.push((await peer.head()).split(' ')[1] ?? '');
      await peer.write(all.shift() ?? '');
    },
    { hosts, names: { [HOST]: [['8.8.8.8'], ['1.1.1.1']] } },
  );
  assert.deepEqual(await stage.fetch(), FETCHED);
  assert.deepEqual(paths, ['/a.png', '/sub/b', '/x/y', '/z']);
  assert.deepEqual(stage.dialled, ['8.8.8.8 443', '1.1.1.1 443', '1.1.1.1 8443', '1.1.1.1 8443']);
});

test('the fourth redirect is not followed', async () => {
  await using stage = await imageStage(answers(to('/1'), to('/2'), to('/3'), to('/4'), image()));
  assert.equal(await stage.refusal(), 'it is redirected more than 3 times');
  assert.equal(stage.dialled.length, 4);
});

test('a redirect to itself ends', async () => {
  await using stage = await imageStage(answers(to('/a.png')));
  assert.equal(await stage.refusal(), 'it is redirected more than 3 times');
});

const FORBIDDEN: readonly (readonly [location: string, why: RegExp])[] = [
  [`http://${HOST}/a.png`, /^after a redirect its URL is not https$/],
  ['data:image/png;base64,iVBORw0KGgo=', /^after a redirect its URL is not https$/],
  ['file:///etc/passwd', /^after a redirect its URL is not https$/],
  ['https://evil.example/', /^after a redirect its host is not among those that are allowed$/],
  ['//evil.example/', /^after a redirect its host is not among those that are allowed$/],
  [`https://${HOST}:22/`, /^after a redirect its host is not among those that are allowed$/],
  ['https://169.254.169.254/latest/meta-data/', /^after a redirect its host is not among those that are allowed$/],
  ['https://127.0.0.1/', /^after a redirect its host is not a public one$/],
  [`https://user:password@${HOST}/`, /^after a redirect its URL has a user name or a password$/],
  ['https://', /^after a redirect its URL is not valid$/],
];

for (const [location, why] of FORBIDDEN) {
  test(`a redirect to '${location}' is not followed`, async () => {
    await using stage = await imageStage(answers(to(location), image()), { hosts: [HOST, '127.0.0.1'] });
    assert.match(await stage.refusal(), why);
    assert.equal(stage.dialled.length, 1);
  });
}

test('a redirect to an allowed host at 127.0.0.1 is not followed', async () => {
  const names = { 'inside.example.org': [['127.0.0.1']] };
  const hosts = [HOST, '*.example.org'];
  await using stage = await imageStage(answers(to('https://inside.example.org/')), { hosts, names });
  assert.equal(await stage.refusal(), 'its host is not a public one');
  assert.deepEqual([stage.asked, stage.dialled], [[HOST, 'inside.example.org'], ['8.8.8.8 443']]);
});

test('a redirect to the same host, which meanwhile has another address, is not followed', async () => {
  const names = { [HOST]: [['8.8.8.8'], ['10.0.0.1']] };
  await using stage = await imageStage(answers(to('/b')), { names });
  assert.equal(await stage.refusal(), 'its host is not a public one');
  assert.equal(stage.dialled.length, 1);
});

test('a redirect without a location leads nowhere', async () => {
  await using stage = await imageStage(answers(answer(302, ['Content-Length: 0'])));
  assert.equal(await stage.refusal(), 'after a redirect its URL is not valid');
});

test('what a redirect has as its body is not waited for', async () => {
  const endless = answer(302, ['Location: /b', 'Content-Length: 1000000'], 'x');
  await using stage = await imageStage(answers(endless, image()));
  assert.deepEqual(await stage.fetch(), FETCHED);
});
