import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { answer, answers, FETCHED, image, imageStage, PNG } from './image-fetch-stage.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

const IMAGES: readonly (readonly [mediaType: string, bytes: Buffer])[] = [
  ['image/png', PNG],
  ['image/jpeg', latin1('\xff\xd8\xff\xe0 and more')],
  ['image/gif', latin1('GIF87a and more')],
  ['image/gif', latin1('GIF89a and more')],
  ['image/webp', latin1('RIFF\x01\n\r\x00WEBPVP8 ')],
];

for (const [mediaType, bytes] of IMAGES) {
  test(`${mediaType} is known by its bytes, whatever image its server calls it`, async () => {
    for (const type of [mediaType, 'image/x-other', 'IMAGE/PNG; charset=binary']) {
      await using stage = await imageStage(answers(image(bytes, type)));
      assert.deepEqual(await stage.fetch(), { mediaType, base64: bytes.toString('base64') });
    }
  });
}

const NO_IMAGES = [
  '<svg xmlns="http://www.w3.org/2000/svg"/>',
  '<?xml version="1.0"?><svg/>',
  '<html>',
  '',
  '\x89PN',
  'BM',
];
NO_IMAGES.push('GIF88a', 'RIFF\x01\x02\x03\x04WAVEfmt ', ' \x89PNG\r\n\x1a\n', 'RIFFWEBP1234', '\x89PNG\n\x1a\n');

for (const text of NO_IMAGES) {
  test(`${JSON.stringify(text)} is no image, even where its server says so`, async () => {
    await using stage = await imageStage(answers(image(latin1(text))));
    assert.equal(await stage.refusal(), 'its bytes are not those of a PNG, JPEG, GIF or WebP image');
  });
}

for (const type of [
  'image/svg+xml',
  'Image/SVG+XML; charset=utf-8',
  'text/html',
  'application/octet-stream',
  'ximage/png',
  '',
]) {
  test(`an answer of type '${type}' is refused, whatever its bytes`, async () => {
    await using stage = await imageStage(answers(image(PNG, type)));
    assert.equal(await stage.refusal(), 'its content type is not that of a PNG, JPEG, GIF or WebP image');
  });
}

for (const status of [201, 204, 206, 300, 304, 305, 400, 401, 403, 404, 500]) {
  test(`status ${status} is refused`, async () => {
    await using stage = await imageStage(answers(answer(status, ['Content-Type: image/png'], PNG)));
    assert.equal(await stage.refusal(), `its server answered with status ${status}`);
  });
}

for (const encoding of ['gzip', 'br', 'GZIP', 'identity, gzip', 'x']) {
  test(`an answer with content encoding ${encoding} is refused`, async () => {
    const bytes = encoding === 'br' ? PNG : gzipSync(PNG);
    await using stage = await imageStage(answers(image(bytes, 'image/png', `Content-Encoding: ${encoding}`)));
    assert.equal(await stage.refusal(), 'its server sent it compressed, unasked');
  });
}

test('content encoding identity is none', async () => {
  await using stage = await imageStage(answers(image(PNG, 'image/png', 'Content-Encoding: Identity')));
  assert.deepEqual(await stage.fetch(), FETCHED);
});
