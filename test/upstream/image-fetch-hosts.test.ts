import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageFetcher } from '../../src/upstream/image-fetch/image-fetcher.ts';
import { imageStage } from './image-fetch-stage.ts';

const hosts = ['cdn.example.org', '*.pictures.example', 'files.example.org:8443', 'Bücher.Example.', '8.8.8.8'];
hosts.push('127.0.0.1', '10.0.0.1', '[2606:4700::1111]', '2606:4700::2222', '::1', '[::ffff:8.8.8.8]');
const fetcher = new ImageFetcher({ hosts });

const ALLOWED = [
  'https://cdn.example.org/a.png?b=c#d',
  'https://cdn.example.org:443/',
  'HTTPS://CDN.EXAMPLE.ORG./',
  'https://a.pictures.example/',
  'https://a.b.pictures.example/',
  'https://files.example.org:8443/',
  'https://b%C3%BCcher.example/',
  'https://xn--bcher-kva.example/',
  'https://8.8.8.8/',
  'https://134744072/',
  'https://[2606:4700:0:0::1111]/',
  'https://[2606:4700::2222]/',
];

const FORBIDDEN: readonly (readonly [url: string, why: RegExp])[] = [
  ['http://cdn.example.org/', /not https/],
  ['http://cdn.example.org:443/', /not https/],
  ['ftp://cdn.example.org/', /not https/],
  ['file:///etc/passwd', /not https/],
  ['data:image/png;base64,iVBORw0KGgo=', /not https/],
  ['https://user@cdn.example.org/', /user name/],
  ['https://:password@cdn.example.org/', /user name/],
  ['https://cdn.example.org@127.0.0.1/', /user name/],
  ['https://cdn.example.org:8443/', /not among/],
  ['https://cdn.example.org:0/', /not among/],
  ['https://cdn.example.org:80/', /not among/],
  ['https://files.example.org/', /not among/],
  ['https://example.org/', /not among/],
  ['https://a.cdn.example.org/', /not among/],
  ['https://cdn.example.org.evil.example/', /not among/],
  ['https://cdn.example.org../', /not among/],
  ['https://evilpictures.example/', /not among/],
  ['https://pictures.example/', /not among/],
  ['https://cdn.example.org%2eevil.example/', /not among/],
  ['https://1.1.1.1/', /not among/],
  ['https://127.0.0.1/', /not a public/],
  ['https://127.0.0.1./', /not a public/],
  ['https://127.1/', /not a public/],
  ['https://2130706433/', /not a public/],
  ['https://0x7f.0.0.1/', /not a public/],
  ['https://0177.0.0.1/', /not a public/],
  ['https://１２７.0.0.1/', /not a public/],
  ['https://167772161/', /not a public/],
  ['https://[::1]/', /not a public/],
  ['https://[0:0:0:0:0:0:0:1]/', /not a public/],
  ['https://[::ffff:8.8.8.8]/', /not a public/],
  ['https://[::ffff:808:808]/', /not a public/],
  ['https://[2606:4700::3333]/', /not among/],
  ['https://', /not valid/],
  ['cdn.example.org', /not valid/],
  ['//cdn.example.org/', /not valid/],
  ['', /not valid/],
  ['https://[::1%eth0]/', /not valid/],
];

for (const url of ALLOWED) test(`${url} is allowed`, () => assert.equal(fetcher.allows(url), true));

for (const [url, why] of FORBIDDEN) {
  test(`'${url}' is not allowed, and nothing is looked up or dialled for it`, async () => {
    assert.equal(fetcher.allows(url), false);
    await using stage = await imageStage(() => {}, { hosts });
    assert.match(await stage.refusal(url), why);
    assert.deepEqual([stage.asked, stage.dialled], [[], []]);
  });
}

test('no host is allowed where none is named', () => {
  assert.equal(new ImageFetcher({ hosts: [] }).allows('https://cdn.example.org/'), false);
});

for (const entry of [
  '',
  '*',
  '*.',
  'https://cdn.example.org',
  'a/b',
  'a b',
  'a ',
  'a\tb',
  'a\\b',
  'u@a',
  'a:b',
  'a.*.b',
  '**.a',
  'a?b',
  'a#b',
]) {
  test(`'${entry}' is no host to be allowed`, () => {
    assert.throws(() => new ImageFetcher({ hosts: [entry] }), /not a host from which images can be fetched/);
  });
}
