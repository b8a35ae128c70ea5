import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import OpenAI from 'openai';
import { type Answer, ask } from '../contract/ask.ts';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { type Lacking, lacking } from './lacking.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

const missing = realServersMissing();
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const parameters = { type: 'object', properties: { a: { type: 'boolean' } } };
const FUNCTION = { name: 'f', description: 'd', parameters };
const OVERFLOW = /^request \(\d+ tokens\) exceeds the available context size \(512 tokens\)/;

const user = [{ role: 'user', content: 'Once' }];
/** Far longer than the 512 tokens of the model, with a last turn that is short. */
const long = [
  { role: 'system', content: 'Be brief.' },
  ...Array.from({ length: 15 }, (_, i) => [
    { role: 'user', content: `${i} ${'word '.repeat(20)}` },
    { role: 'assistant', content: 'ok' },
  ]).flat(),
  { role: 'user', content: 'Once' },
];

const SAID = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ok' }] };

/** The same request in the words of every route for chats: its fields, besides the model and the limit. */
const ROUTES = {
  '/v1/chat/completions': { max_tokens: 2 },
  '/v1/messages': { max_tokens: 2 },
  '/v1/responses': { max_output_tokens: 2 },
  '/api/chat': { stream: false, options: { num_predict: 2 } },
} as const;
type Path = keyof typeof ROUTES;
const PATHS = Object.keys(ROUTES) as Path[];

function conversation(path: Path, messages: readonly object[]): object {
  if (path !== '/v1/responses') return { ...ROUTES[path], messages };
  // OpenAI takes a plain text of an assistant here; llama-server cannot tell what it is.
  return {
    ...ROUTES[path],
    input: messages.map((turn) => ('role' in turn && turn.role === 'assistant' ? SAID : turn)),
  };
}

function tools(path: Path): object[] {
  if (path === '/v1/messages') return [{ name: 'f', description: 'd', input_schema: parameters }];
  return [path === '/v1/responses' ? { type: 'function', ...FUNCTION } : { type: 'function', function: FUNCTION }];
}

function picture(path: Path): object {
  const url = `data:image/png;base64,${PNG}`;
  switch (path) {
    case '/api/chat':
      return { role: 'user', content: 'Once', images: [PNG] };
    case '/v1/chat/completions':
      return {
        role: 'user',
        content: [
          { type: 'text', text: 'Once' },
          { type: 'image_url', image_url: { url } },
        ],
      };
    case '/v1/responses':
      return {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Once' },
          { type: 'input_image', image_url: url },
        ],
      };
    case '/v1/messages': {
      const source = { type: 'base64', media_type: 'image/png', data: PNG };
      return {
        role: 'user',
        content: [
          { type: 'text', text: 'Once' },
          { type: 'image', source },
        ],
      };
    }
  }
}

function message(answer: Answer): string {
  const { error } = answer.json();
  return typeof error === 'string' ? error : error.message;
}

describe('what a real llama-server refuses', { skip: missing ?? false }, () => {
  let llama: RealServer;
  let counted: Lacking;
  let strict: RunningRouter;
  let kind: RunningRouter;
  before(async () => {
    llama = await startRealLlamaServer();
    counted = await lacking(llama);
    const endpoints = [{ url: counted.url, kind: 'llama-server' as const }];
    strict = await startRouter({ endpoints });
    kind = await startRouter({ endpoints, recovery: { context: true, images: true, tools: true } });
  });
  after(async () => {
    for (const part of [strict, kind, counted, llama]) await part[Symbol.asyncDispose]();
  });
  const post = (router: RunningRouter, path: string, body: object) =>
    ask(router.url, path, { body: { model: 'tiny', ...body } });

  for (const path of PATHS) {
    test(`4.2 ${path}: a conversation that is too long is refused in its own words, and shortened where that is wanted`, async () => {
      const refused = await post(strict, path, { ...conversation(path, long), truncate: false });
      assert.deepEqual([refused.status, refused.headers['x-nomyo-recovered']], [400, undefined]);
      assert.match(message(refused), OVERFLOW);
      const answer = await post(kind, path, conversation(path, long));
      assert.equal(answer.status, 200, answer.text);
      assert.match(`${answer.headers['x-nomyo-recovered']}`, /^oldest messages left out \(\d+\)$/);
    });

    test(`2.2 ${path}: a picture is refused once and for all, and left out where that is wanted`, async () => {
      counted.asked.length = 0;
      const refused = await post(strict, path, conversation(path, [picture(path)]));
      assert.deepEqual([refused.status, refused.headers['x-should-retry']], [500, 'false']);
      assert.match(message(refused), /^image input is not supported/);
      assert.equal(counted.asked.length, 1);
      const answer = await post(kind, path, conversation(path, [picture(path)]));
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.headers['x-nomyo-recovered'], 'images left out (1)');
    });

    test(`2.2 ${path}: both at once are two changes`, async () => {
      counted.asked.length = 0;
      const answer = await post(kind, path, conversation(path, [...long.slice(0, -1), picture(path)]));
      assert.equal(answer.status, 200, answer.text);
      const told = `${answer.headers['x-nomyo-recovered']}`;
      assert.ok(told.includes('images left out (1)') && told.includes('oldest messages left out'), told);
      assert.equal(counted.asked.length, 3);
    });

    test(`2.2 ${path}: tools that its template does not know are no reason to refuse`, async () => {
      const answer = await post(strict, path, { ...conversation(path, user), tools: tools(path) });
      assert.deepEqual([answer.status, answer.headers['x-nomyo-recovered']], [200, undefined], answer.text);
    });
  }

  test('4.2 /api/chat leaves out what does not fit unless it is told not to, on a stream too', async () => {
    const fields = { messages: long, options: { num_predict: 2 } };
    for (const stream of [true, false]) {
      const answer = await post(strict, '/api/chat', { ...fields, stream });
      assert.equal(answer.status, 200);
      assert.match(`${answer.headers['x-nomyo-recovered']}`, /^oldest messages left out/);
      assert.equal(answer.lines().at(-1).done_reason, 'length');
    }
  });

  test('4.2 one message that is too long by itself is refused', async () => {
    const messages = [{ role: 'user', content: 'word '.repeat(800) }];
    for (const path of PATHS) {
      const answer = await post(kind, path, conversation(path, messages));
      assert.deepEqual([answer.status, OVERFLOW.test(message(answer))], [400, true], `${path} ${answer.text}`);
    }
    const prompt = 'word '.repeat(800);
    for (const raw of [true, false]) {
      const answer = await post(kind, '/api/generate', { prompt, raw, stream: false });
      assert.deepEqual([answer.status, OVERFLOW.test(message(answer))], [400, true], answer.text);
    }
    assert.match(message(await post(kind, '/v1/completions', { prompt })), OVERFLOW);
  });

  test('2.1 the OpenAI client does not try again what cannot succeed', async () => {
    const openai = new OpenAI({ baseURL: `${strict.url}/v1`, apiKey: 'none' });
    counted.asked.length = 0;
    const image_url = { url: `data:image/png;base64,${PNG}` };
    const content = [{ type: 'image_url' as const, image_url }];
    await assert.rejects(openai.chat.completions.create({ model: 'tiny', messages: [{ role: 'user', content }] }), {
      status: 500,
    });
    assert.deepEqual(counted.asked, ['/v1/chat/completions']);
  });

  test('2.1 nor what the server was not started for', async () => {
    const openai = new OpenAI({ baseURL: `${strict.url}/v1`, apiKey: 'none' });
    counted.asked.length = 0;
    await assert.rejects(openai.embeddings.create({ model: 'tiny', input: 'x' }), { status: 501 });
    assert.deepEqual(counted.asked, ['/v1/embeddings']);
  });
});

describe('what a real Ollama refuses', { skip: missing ?? false }, () => {
  let ollama: RealServer;
  let strict: RunningRouter;
  let kind: RunningRouter;
  before(async () => {
    ollama = await startRealOllama();
    strict = await startRouter({ endpoints: [ollama.url] });
    kind = await startRouter({ endpoints: [ollama.url], recovery: { context: true, images: true, tools: true } });
  });
  after(async () => {
    for (const part of [strict, kind, ollama]) await part[Symbol.asyncDispose]();
  });
  const post = (router: RunningRouter, path: string, body: object) =>
    ask(router.url, path, { body: { model: 'tiny', ...body } });

  for (const path of PATHS)
    test(`1.5 ${path}: tools are refused in its own words, and left out where that is wanted`, async () => {
      const body = { ...conversation(path, user), tools: tools(path) };
      const refused = await post(strict, path, body);
      const own = await ask(ollama.url, path, { body: { model: 'tiny', ...body } });
      assert.deepEqual([refused.status, message(refused)], [own.status, message(own)]);
      assert.match(message(refused), /does not support tools$/);
      const answer = await post(kind, path, body);
      assert.deepEqual([answer.status, answer.headers['x-nomyo-recovered']], [200, 'tools left out'], answer.text);
    });

  test('1.5 what does not fit is left out by itself, and is refused where it must not', async () => {
    const fields = conversation('/api/chat', long);
    assert.equal((await post(kind, '/api/chat', fields)).headers['x-nomyo-recovered'], undefined);
    const answer = await post(kind, '/api/chat', { ...fields, truncate: false });
    assert.deepEqual([answer.status, message(answer)], [400, 'the input length exceeds the context length']);
    const vector = await post(kind, '/api/embed', { input: 'word '.repeat(800), truncate: false });
    assert.deepEqual([vector.status, message(vector)], [400, 'the input length exceeds the context length']);
  });
});
