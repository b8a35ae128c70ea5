import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import OpenAI from 'openai';
import { ask, askAndLeave, type Json } from '../contract/ask.ts';
import { eventually, ONCE, type RunningRouter, startRouter } from '../support/router.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

const missing = realServersMissing();
const messages = [{ role: 'user' as const, content: 'Once upon a time' }];

/** Requests whose answers do not end by themselves, by route; what their streams say first and what ends a whole one. */
const ENDLESS = {
  '/v1/chat/completions': { body: { messages, stream: true }, terminal: /\[DONE\]|"finish_reason":"/ },
  '/v1/completions': { body: { prompt: 'Once', stream: true }, terminal: /\[DONE\]|"finish_reason":"/ },
  '/v1/responses': { body: { input: 'Once', stream: true }, terminal: /response\.(completed|incomplete)/ },
  '/v1/messages': { body: { messages, stream: true, max_tokens: 100_000 }, terminal: /message_stop/ },
  '/api/chat': { body: { messages, options: { num_predict: 100_000 } }, terminal: /"done":true/ },
  '/api/generate': { body: { prompt: 'Once', options: { num_predict: 100_000 } }, terminal: /"done":true/ },
} as const;

/** Starts to read the answer to it; then does that, and reads on to the end. */
async function torn(url: string, path: keyof typeof ENDLESS, tear: () => unknown): Promise<string> {
  const body = JSON.stringify({ model: 'tiny', ...ENDLESS[path].body });
  const answer = await fetch(`${url}${path}`, { method: 'POST', body });
  assert.equal(answer.status, 200);
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of answer.body ?? []) {
    if (text === '') await tear();
    text += decoder.decode(bytes, { stream: true });
  }
  return text;
}

for (const kind of ['llama-server', 'ollama'] as const)
  describe(`a real ${kind} that dies in the middle of an answer`, { skip: missing ?? false, timeout: 60_000 }, () => {
    let server: RealServer;
    let router: RunningRouter;
    beforeEach(async () => {
      server =
        kind === 'ollama'
          ? await startRealOllama({ endless: true })
          : await startRealLlamaServer({ args: ['--context-shift'] });
      router = await startRouter({ endpoints: [{ url: server.url, kind }] }, ONCE);
    });
    afterEach(async () => {
      for (const part of [router, server]) await part[Symbol.asyncDispose]();
    });

    for (const path of Object.keys(ENDLESS) as (keyof typeof ENDLESS)[]) {
      test(`2.1 ${path}: the stream ends with an error and does not look whole`, async () => {
        const text = await torn(router.url, path, () => server.crash());
        assert.match(text.trimEnd().split('\n').at(-1) ?? '', /"error":/, text.slice(-300));
        assert.doesNotMatch(text, ENDLESS[path].terminal);
        await router.idle();
      });
    }
  });

describe('a real Ollama whose runner dies in the middle of an answer', {
  skip: missing ?? false,
  timeout: 60_000,
}, () => {
  for (const path of ['/v1/chat/completions', '/v1/completions', '/v1/responses', '/v1/messages', '/api/chat'] as const)
    test(`2.2 ${path}: what Ollama swallows is an error to the client`, async () => {
      await using ollama = await startRealOllama({ endless: true });
      await using router = await startRouter({ endpoints: [ollama.url] }, ONCE);
      const text = await torn(router.url, path, () => ollama.crashRunners());
      assert.match(text.trimEnd().split('\n').at(-1) ?? '', /"error":/, text.slice(-300));
      assert.doesNotMatch(text, ENDLESS[path].terminal);
      const again = await ask(router.url, path, { body: { model: 'tiny', ...bounded(path) } });
      assert.equal(again.status, 200, 'it starts another');
      await router.idle();
    });
});

function bounded(path: keyof typeof ENDLESS): object {
  const limits = { max_tokens: 2, max_output_tokens: 2, options: { num_predict: 2 }, stream: false };
  return { ...ENDLESS[path].body, ...limits };
}

describe('a client of a real llama-server that leaves', { skip: missing ?? false, timeout: 60_000 }, () => {
  const busy = async (url: string): Promise<number> => {
    const slots = (await ask(url, '/slots')).json();
    return slots.filter((slot: Json) => slot.is_processing).length;
  };

  // Of a whole answer it does not notice that nobody waits for it, not even where it is asked directly.
  test('3.6 frees its slot there, on every route with a stream', async () => {
    await using llama = await startRealLlamaServer({ parallel: 2, args: ['--context-shift'] });
    await using router = await startRouter({ endpoints: [{ url: llama.url, kind: 'llama-server' }] }, ONCE);
    for (const path of Object.keys(ENDLESS) as (keyof typeof ENDLESS)[]) {
      await askAndLeave(router.url, path, { body: { model: 'tiny', ...ENDLESS[path].body } });
      await router.idle();
      await eventually(async () => (await busy(llama.url)) === 0);
    }
  });

  test('2.1 the OpenAI client hears of a server that died', async () => {
    await using llama = await startRealLlamaServer({ args: ['--context-shift'] });
    await using router = await startRouter({ endpoints: [{ url: llama.url, kind: 'llama-server' }] }, ONCE);
    const openai = new OpenAI({ baseURL: `${router.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const stream = await openai.chat.completions.create({ model: 'tiny', messages, stream: true });
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    await llama.crash();
    await assert.rejects(async () => {
      while ((await chunks.next()).done !== true);
    }, OpenAI.APIError);
  });

  test('3.3 one that has just started is asked as soon as it can answer', async () => {
    await using llama = await startRealLlamaServer();
    await using router = await startRouter({ endpoints: [{ url: llama.url, kind: 'llama-server' }] }, ONCE);
    const body = { model: 'tiny', messages, max_tokens: 2 };
    assert.equal((await ask(router.url, '/v1/chat/completions', { body })).status, 200);
    await llama.crash();
    const gone = await ask(router.url, '/v1/chat/completions', { body });
    assert.ok([502, 503].includes(gone.status), gone.text);
    await llama.restart();
    await eventually(async () => (await ask(router.url, '/v1/chat/completions', { body })).status === 200);
  });
});
