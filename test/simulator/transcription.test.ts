import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';

type Kind = SimulatedEndpointOptions['kind'];

const kinds: readonly Kind[] = ['ollama', 'llama-server', 'vllm', 'openai'];
const listener = { name: 'm', capabilities: ['completion', 'audio'] } as const;
const sound = Buffer.from([0, 255, 13, 10, 45, 45, 200]);

/** A form with these fields, as fetch sends it; a field that is undefined is left out. */
async function sent(url: string, fields: Readonly<Record<string, string | Blob | undefined>>): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') form.append(name, value);
    else if (value !== undefined) form.append(name, value, 'a.wav');
  }
  return fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
}

const asked = { model: 'm', file: new Blob([sound]) };

for (const kind of kinds) {
  test(`${kind} hears every byte, and records the model of the form`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind, models: [listener] });
    const answer = await sent(endpoint.url, { ...asked, language: 'de', prompt: 'names' });
    const name = kind === 'ollama' ? 'm:latest' : 'm';
    const text = `${name} heard 7 bytes of a.wav, language de, prompt names`;
    assert.equal(((await answer.json()) as { text: string }).text, text);
    const [recorded] = endpoint.requests;
    assert.deepEqual([recorded?.model, recorded?.path], ['m', '/v1/audio/transcriptions']);
    assert.ok(recorded?.body.includes(sound));
  });

  test(`${kind} is understood by OpenAI's own client`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind, models: [listener] });
    const client = new OpenAI({ baseURL: `${endpoint.url}/v1`, apiKey: 'x', maxRetries: 0 });
    const { text } = await client.audio.transcriptions.create({ model: 'm', file: await toFile(sound, 'b.mp3') });
    assert.match(text, /heard 7 bytes of b\.mp3$/);
  });

  test(`${kind} answers as plain text, where it can`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind, models: [listener] });
    const answer = await sent(endpoint.url, { ...asked, response_format: 'text' });
    const isText = kind !== 'llama-server';
    assert.deepEqual(
      [answer.status, answer.headers.get('content-type')?.startsWith('text/plain')],
      [isText ? 200 : 400, isText],
    );
    if (isText) assert.match(await answer.text(), /^m.* heard 7 bytes of a\.wav/);
  });

  test(`${kind} refuses a model that is deaf, a form without its file and a body that is no form`, async () => {
    await using endpoint = await startSimulatedEndpoint({ kind, models: [listener, 'deaf'] });
    const deaf = await sent(endpoint.url, { ...asked, ...(kind === 'llama-server' ? {} : { model: 'deaf' }) });
    const expected = { ollama: 400, 'llama-server': 200, vllm: 400, openai: 404 }[kind];
    assert.equal(deaf.status, expected, 'a llama-server with one model ignores the name');
    assert.equal((await sent(endpoint.url, { model: 'm' })).status, 400);
    const body = JSON.stringify({ model: 'm' });
    const json = await fetch(`${endpoint.url}/v1/audio/transcriptions`, { method: 'POST', body });
    assert.equal(json.status, 400);
    const headers = { 'Content-Type': 'multipart/form-data; boundary=x' };
    const broken = '--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nm';
    const cut = await fetch(`${endpoint.url}/v1/audio/transcriptions`, { method: 'POST', headers, body: broken });
    assert.equal(cut.status, 400);
  });
}

test('a llama-server as router loads the model that the form names', async () => {
  await using endpoint = await startSimulatedEndpoint({
    kind: 'llama-server',
    mode: 'router',
    models: [listener, { ...listener, name: 'other' }, 'deaf'],
  });
  assert.equal((await sent(endpoint.url, { ...asked, model: 'other' })).status, 200);
  assert.deepEqual(endpoint.loadedModels(), ['other']);
  const deaf = await sent(endpoint.url, { ...asked, model: 'deaf' });
  assert.deepEqual([deaf.status, (await deaf.text()).includes('does not support audio input')], [501, true]);
  assert.equal((await sent(endpoint.url, { ...asked, model: undefined })).status, 400);
});

test('an Ollama takes no more than 25 MB', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: [listener] });
  const file = new Blob([Buffer.alloc(25 * 1024 * 1024)]);
  const answer = await sent(endpoint.url, { ...asked, file });
  assert.deepEqual([answer.status, (await answer.text()).includes('failed to parse multipart form')], [400, true]);
});
