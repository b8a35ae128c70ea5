import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { textOf } from '../support/wire.ts';

const messages = [{ role: 'user', content: 'say 1 tokens' }];
const ROUTES: Readonly<Record<string, object>> = {
  '/v1/chat/completions': { messages },
  '/v1/completions': { prompt: 'say 1 tokens' },
  '/v1/embeddings': { input: ['a', 'b'] },
  '/v1/responses': { input: 'say 1 tokens' },
  '/v1/messages': { messages, max_tokens: 5 },
  '/v1/messages/count_tokens': { messages },
  '/v1/rerank': { query: 'q', documents: ['a', 'b'] },
};
const ENCODERS = { zstd: zstdCompressSync, gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync } as const;

/** Can whatever a route needs. */
const ABLE = { name: 'm', capabilities: ['completion', 'embedding', 'rerank', 'audio'] } as const;

for (const kind of ['ollama', 'llama-server', 'vllm', 'openai'] as const) {
  describe(`1.2 a compressed body reaches ${kind} as if it had never been one`, () => {
    const paths = Object.keys(ROUTES).filter((path) => kind !== 'ollama' || !/rerank|count_tokens/.test(path));
    for (const path of paths) {
      test(path, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind, models: [ABLE], embeddings: true });
        await using router = await routerBefore([endpoint]);
        const body = Buffer.from(JSON.stringify({ model: 'm', ...ROUTES[path] }));
        for (const [encoding, encode] of Object.entries(ENCODERS)) {
          endpoint.faults.add({ on: { method: 'POST' }, status: 200, body: '{"data":[]}', times: 1 });
          endpoint.forgetRequests();
          const headers = { 'Content-Encoding': encoding, 'Content-Type': 'text/plain' };
          const answer = await router.ask(path, { headers, body: encode(body) });
          assert.equal(answer.status, 200, textOf(answer));
          const got = onlyAsked(endpoint);
          assert.deepEqual(got.body, body);
          const named = got.headers.filter(([name]) => /^content-/i.test(name)).map(([name, value]) => [name, value]);
          assert.deepEqual(named, [
            ['Content-Type', 'application/json'],
            ['Content-Length', String(body.length)],
          ]);
        }
      });
    }
  });
}

test('2.9 a compressed form reaches the endpoint as a form', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'vllm', models: [ABLE] });
  await using router = await routerBefore([endpoint]);
  const part = (disposition: string, value: string) =>
    `--B\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;
  const form = Buffer.from(`${part('name="file"; filename="a"', 'sound')}${part('name="model"', 'm')}--B--\r\n`);
  for (const [encoding, encode] of Object.entries(ENCODERS)) {
    endpoint.forgetRequests();
    const headers = { 'Content-Encoding': encoding, 'Content-Type': 'multipart/form-data; boundary=B' };
    const answer = await router.ask('/v1/audio/transcriptions', { headers, body: encode(form) });
    assert.equal(answer.status, 200, textOf(answer));
    assert.deepEqual(onlyAsked(endpoint).body, form);
  }
});

test('1.2 what cannot be unfolded reaches nobody: 415, 400 or 413', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: [ABLE] });
  await using router = await routerBefore([endpoint]);
  for (const [path, fields] of Object.entries(ROUTES)) {
    const text = JSON.stringify({ model: 'm', ...fields });
    const bomb = zstdCompressSync(Buffer.concat([Buffer.from(text), Buffer.alloc(21 * 1024 * 1024, ' ')]));
    for (const [encoding, body, status] of [
      ['lz4', Buffer.from(text), 415],
      ['gzip, zstd', zstdCompressSync(gzipSync(text)), 415],
      ['zstd', Buffer.from(text), 400],
      ['gzip', gzipSync(text).subarray(0, -9), 400],
      ['zstd', bomb, 413],
    ] as const) {
      const answer = await router.ask(path, { headers: { 'Content-Encoding': encoding }, body });
      assert.equal(answer.status, status, `${path} ${encoding}`);
    }
  }
  assert.equal(asked(endpoint).length, 0);
});
