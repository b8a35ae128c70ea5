import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { jsonOf, textOf } from '../support/wire.ts';

const URL_ = 'http://inside.test/latest/meta-data';
const FILE = 'file:///etc/inside';
const PNG = 'data:image/png;base64,iVBORw0KGgo=';

const sound = (data: string) => ({ type: 'input_audio', input_audio: { data, format: 'wav' } });
const film = (data: string) => ({ type: 'input_video', input_video: { data } });
const image = (url: unknown) => ({ type: 'image_url', image_url: url });

/** Parts that llama-server fetches by address: it reads `data` (else `url`) of sound and films as it reads an image's `url`. */
const FETCHED: readonly (readonly [string, object])[] = [
  ['an image', image({ url: URL_ })],
  ['an image by a plain text', image(URL_)],
  ['an image behind white space', image({ url: ` \n\t${URL_}` })],
  ['an image of a file', image({ url: FILE })],
  ['an image in SVG', image({ url: 'data:image/svg+xml;base64,AAAA' })],
  ['an address of sound', { type: 'input_audio', input_audio: { url: URL_ } }],
  ['an address of a film', { type: 'video_url', video_url: { url: URL_ } }],
  ['an address of a film as llama-server calls it', { type: 'input_video', input_video: { url: URL_ } }],
  ['an address as the data of sound', sound(URL_)],
  ['a file as the data of sound', sound(FILE)],
  ['an address as the data of a film', film(URL_)],
];

const bodyOf = (part: object) => ({
  model: 'm',
  messages: [{ role: 'user', content: [{ type: 'text', text: 'look' }, part] }],
});

for (const kind of ['llama-server', 'vllm'] as const) {
  describe(`4.10 an address reaches no ${kind}, and the client is told (3.6)`, () => {
    for (const [name, part] of FETCHED) {
      test(name, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
        await using router = await routerBefore([endpoint]);
        const answer = await router.ask('/v1/chat/completions', { body: bodyOf(part) });
        assert.equal(answer.status, 400, textOf(answer));
        assert.equal(jsonOf(answer).error.code, 'unsupported');
        assert.deepEqual(asked(endpoint), []);
      });
    }
  });
}

test('4.10 of two members with one name the last one counts, as for the endpoint', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  for (const url of [`{"url":"${PNG}","url":"${URL_}"}`, `{"\\u0075rl":"${URL_}"}`]) {
    const part = `{"type":"image_url","image_url":${url}}`;
    const body = `{"model":"m","messages":[{"role":"user","content":[${part}]}]}`;
    assert.equal((await router.ask('/v1/chat/completions', { body })).status, 400, url);
  }
  assert.deepEqual(asked(endpoint), []);
});

test('4.10 sound and films as base64 are let through to the letter', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'] });
  endpoint.faults.add({ on: { method: 'POST' }, status: 200, body: '{"choices":[]}' });
  await using router = await routerBefore([endpoint]);
  for (const part of [sound('UklGRiQAAABXQVZF'), film('AAAAIGZ0eXBpc29t')]) {
    assert.equal((await router.ask('/v1/chat/completions', { body: bodyOf(part) })).status, 200);
    assert.equal(asked(endpoint).at(-1)?.body.toString(), JSON.stringify(bodyOf(part)));
  }
});

test('4.10 an Ollama client’s images are data: an address or a path is refused for every kind', async () => {
  for (const kind of ['llama-server', 'vllm', 'openai'] as const) {
    await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
    await using router = await routerBefore([endpoint]);
    for (const text of [URL_, FILE, '../inside', PNG]) {
      const messages = [{ role: 'user', content: 'look', images: [text] }];
      assert.equal((await router.ask('/api/chat', { body: { model: 'm', messages } })).status, 400, text);
      const body = { model: 'm', prompt: 'look', images: [text] };
      assert.equal((await router.ask('/api/generate', { body })).status, 400, text);
    }
    assert.deepEqual(asked(endpoint), []);
  }
});
