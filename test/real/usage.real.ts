import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask, type Json } from '../contract/ask.ts';
import { ONCE, type RunningRouter, startRouter } from '../support/router.ts';
import { piecesIn, piecesSoFar, viewOf } from '../usage/ledger-client.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';
import { type Tap, tapped } from './tap.ts';

const missing = realServersMissing();
const WORDS =
  'Once upon a time there was a dragon who lived in a castle by the sea, and he liked to sing in the morning.';
const LIMIT = 8;
/** How far an estimate may be off: this model knows 512 tokens, and takes two or three for what is one to any other. */
const FAR_OFF = 4;
const SAME = { seed: 1, temperature: 0 };
const messages = [{ role: 'user', content: WORDS }];

/** The same to every server whenever it is asked; `limit`: tokens to say at most. */
const SPOKEN: Readonly<Record<string, (limit: number) => object>> = {
  '/api/chat': (limit) => ({ messages, options: { ...SAME, num_predict: limit } }),
  '/api/generate': (limit) => ({ prompt: WORDS, options: { ...SAME, num_predict: limit } }),
  '/v1/chat/completions': (limit) => ({ messages, ...SAME, max_tokens: limit }),
  '/v1/completions': (limit) => ({ prompt: WORDS, ...SAME, max_tokens: limit }),
  '/v1/responses': (limit) => ({ input: WORDS, temperature: 0, max_output_tokens: limit }),
  '/v1/messages': (limit) => ({ messages, temperature: 0, max_tokens: limit }),
};
const TEXTS = { input: [WORDS, 'Once'] };
/** Where a llama-server is asked what it has no route of Ollama's for. */
const INSTEAD: Readonly<Record<string, string>> = {
  '/api/chat': '/v1/chat/completions',
  '/api/generate': '/v1/chat/completions',
  '/api/embed': '/v1/embeddings',
};
/** Of one request. */
interface Seen {
  readonly text: string;
  readonly view: Json;
  /** What the ledger grew by. */
  readonly spent: readonly [input: number, output: number];
}

for (const kind of ['ollama', 'llama-server'] as const)
  describe(`what a real ${kind} answers`, { skip: missing ?? false, timeout: 110_000 }, () => {
    const isOllama = kind === 'ollama';
    let real: RealServer;
    let vectors: RealServer | undefined;
    let tap: Tap;
    let router: RunningRouter;
    let asked = 0;

    before(async () => {
      const starting = isOllama
        ? startRealOllama({ endless: true })
        : startRealLlamaServer({ parallel: 4, args: ['--context-shift'] });
      const args = ['--embeddings', '--pooling', 'mean'];
      vectors = isOllama ? undefined : await startRealLlamaServer({ models: 'vectors', args });
      real = await starting;
      tap = await tapped(real.url);
      const urls = [tap.url, ...(vectors === undefined ? [] : [vectors.url])];
      router = await startRouter({ endpoints: urls.map((url) => ({ url, kind })) }, ONCE);
    });
    after(async () => {
      for (const part of [router, tap, vectors, real]) await part?.[Symbol.asyncDispose]();
    });

    const ledger = async (): Promise<Json[]> => (await ask(router.url, '/api/token_counts')).json().breakdown;
    const sums = async (): Promise<[number, number]> => {
      const rows = await ledger();
      const sumOf = (name: string) => rows.reduce((sum, row) => sum + row[name], 0);
      return [sumOf('input_tokens'), sumOf('output_tokens')];
    };
    const seen = async (id: string, text: string, [input, output]: [number, number]): Promise<Seen> => {
      using about = await router.open();
      const view = await viewOf(router, about, id);
      const [inputNow, outputNow] = await sums();
      return { text, view, spent: [inputNow - input, outputNow - output] };
    };
    const through = async (path: string, body: object): Promise<Seen> => {
      const id = `asked-${asked++}`;
      const until = await sums();
      const answer = await ask(router.url, path, { body, headers: { 'X-Request-Id': id } });
      assert.equal(answer.status, 200, answer.text);
      return seen(id, answer.text, until);
    };
    /** Asks the server itself. */
    const directly = async (path: string, body: object, server: RealServer = real) => {
      const answer = await ask(server.url, path, { body });
      assert.equal(answer.status, 200, answer.text);
      return saidIn(answer.text);
    };
    const ownPath = (path: string) => (isOllama ? path : (INSTEAD[path] ?? path));
    const ownBody = (path: string, limit: number, stream: boolean) => {
      const own = ownPath(path);
      const telling = stream && /completions$/.test(own) ? { stream_options: { include_usage: true } } : {};
      return { model: 'tiny', stream, ...SPOKEN[own]?.(limit), ...telling };
    };

    for (const [path, body] of Object.entries(SPOKEN))
      test(`${path} counts what the server itself says of the same request`, async () => {
        for (const stream of [false, true]) {
          const { text, view, spent } = await through(path, { model: 'tiny', stream, ...body(LIMIT) });
          const told = await directly(ownPath(path), ownBody(path, LIMIT, stream));
          assert.deepEqual([spent, told[1]], [told, LIMIT], `${stream}`);
          assert.deepEqual([view.input_tokens, view.output_tokens, view.input_tokens_estimated], [...told, false]);
          if (!stream || !/completions$/.test(path)) assert.deepEqual(saidIn(text), told, 'as the client was told');
        }
      });

    for (const path of ['/api/embed', '/v1/embeddings'])
      test(`${path} counts what it read, and nothing said`, async () => {
        const asks = { model: isOllama ? 'tiny' : 'vectors', ...TEXTS };
        const { spent, text } = await through(path, asks);
        assert.deepEqual(spent, await directly(ownPath(path), asks, vectors ?? real));
        assert.deepEqual([saidIn(text), spent[1], spent[0] > 2], [spent, 0, true]);
      });

    for (const [path, body] of Object.entries(SPOKEN))
      test(`${path}, left after five pieces, counts what has come of it`, async () => {
        const [input] = await directly(ownPath(path), ownBody(path, 1, false));
        const [id, until] = [`left-${asked++}`, await sums()];
        using wire = await router.open();
        const headers = { 'X-Request-Id': id };
        wire.request(path, { headers, body: { model: 'tiny', stream: true, ...body(100_000) } });
        await wire.until(() => piecesSoFar(wire) >= 5);
        const pieces = piecesSoFar(wire);
        wire.leave();
        const { view, spent } = await seen(id, '', until);
        const [inputSpent, output] = spent;
        const came = piecesIn(tap.said);
        assert.deepEqual([view.outcome, view.output_tokens_estimated], ['cancelled', true]);
        assert.ok(output >= pieces && output <= came, `${pieces} <= ${output} <= ${came}`);
        if (!view.input_tokens_estimated) assert.equal(inputSpent, input);
        else assert.ok(inputSpent > input / FAR_OFF && inputSpent < input * FAR_OFF, `${inputSpent} of ${input}`);
      });

    if (!isOllama)
      test('several choices count all in a stream, and as it says the first alone in a whole answer', async () => {
        const own = { model: 'tiny', ...SAME, max_tokens: LIMIT };
        const [chat] = await directly('/v1/chat/completions', { ...own, messages });
        const [text] = await directly('/v1/completions', { ...own, prompt: WORDS });
        const [once] = await directly('/v1/completions', { ...own, prompt: 'Once' });
        for (const usage of [{}, { stream_options: { include_usage: true } }]) {
          const streamed = { ...own, ...usage, n: 2, stream: true };
          assert.deepEqual((await through('/v1/chat/completions', { ...streamed, messages })).spent, [chat, 2 * LIMIT]);
          const { spent } = await through('/v1/completions', { ...streamed, prompt: [WORDS, 'Once'] });
          assert.deepEqual(spent, [text + once, 4 * LIMIT]);
        }
        const { spent } = await through('/v1/chat/completions', { ...own, messages, n: 2 });
        assert.deepEqual(spent, [chat, LIMIT]);
      });

    test('stands in the ledger under the name it is listed by', async () => {
      const rows = (await ledger()).map(({ endpoint, model }) => [endpoint, model]);
      const name = isOllama ? 'tiny:latest' : 'tiny';
      assert.deepEqual(
        new Set(rows.map(String)),
        new Set([[tap.url, name], ...(vectors === undefined ? [] : [[vectors.url, 'vectors']])].map(String)),
      );
    });

    test('has its times, as the server tells them', async () => {
      if (isOllama) {
        const unloaded = await ask(real.url, '/api/generate', { body: { model: 'tiny', keep_alive: 0 } });
        assert.equal(unloaded.json().done_reason, 'unload');
      }
      for (const stream of [false, true]) {
        const { text, view } = await through('/api/chat', { model: 'tiny', stream, ...SPOKEN['/api/chat']?.(LIMIT) });
        const { load_duration: load } = JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');
        assert.equal(view.load_ms, isOllama ? Math.round(load / 1e3) / 1e3 : null);
        if (isOllama) assert.ok(view.load_ms > 0);
        assert.ok(view.queue_ms >= 0 && view.total_ms > 0, JSON.stringify(view));
        if (stream) assert.ok(view.ttft_ms <= view.total_ms && view.time_per_output_token_ms > 0, JSON.stringify(view));
      }
    });
  });

/** The tokens, in and out, that an answer in any protocol tells of in its last words about them. */
function saidIn(text: string): [input: number, output: number] {
  const said: [number, number] = [0, 0];
  const records = text.split('\n').map((line) => line.replace(/^data: /, ''));
  for (const record of records.filter((line) => line.startsWith('{'))) {
    const told: Json = JSON.parse(record);
    const usage = told.usage ?? told.response?.usage ?? told.message?.usage ?? told;
    const cached = usage.cache_read_input_tokens ?? 0;
    said[0] = usage.prompt_tokens ?? usage.prompt_eval_count ?? (usage.input_tokens + cached || said[0]);
    said[1] = usage.completion_tokens ?? usage.eval_count ?? usage.output_tokens ?? said[1];
  }
  return said;
}
