import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Ollama, type SystemOneRequest } from 'ollama';
import { type Fleet, startFleet } from '../../src/simulator/fleet.ts';
import { onlyAsked } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';

const ABLE = {
  name: 'able',
  capabilities: ['completion', 'tools', 'insert', 'vision', 'thinking', 'embedding'],
  embeddingLength: 8,
} as const;
const messages = [{ role: 'user', content: 'Tell me 4 tokens' }];
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

describe('every method of ollama-js for one model answers as without a router', () => {
  let fleet: Fleet<'a' | 'l'>;
  let router: RunningRouter;
  let ollama: Ollama;
  let direct: Ollama;
  before(async () => {
    fleet = await startFleet({
      a: { kind: 'ollama', version: '0.33.0', models: [ABLE] },
      l: { kind: 'llama-server', models: ['other'] },
    });
    router = await routerBefore(Object.values(fleet.endpoints));
    ollama = new Ollama({ host: router.url });
    direct = new Ollama({ host: fleet.endpoints.a.url });
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await fleet[Symbol.asyncDispose]();
  });

  const METHODS: Readonly<Record<string, (client: Ollama) => Promise<object>>> = {
    version: (client) => client.version(),
    show: (client) => client.show({ model: 'able' }),
    chat: (client) => client.chat({ model: 'able', messages }),
    'chat with thinking': (client) => client.chat({ model: 'able', messages, think: 'high' }),
    'chat with a format': (client) => client.chat({ model: 'able', messages, format: schema }),
    'chat with log probabilities': (client) =>
      client.chat({ model: 'able', messages, logprobs: true, top_logprobs: 2 }),
    'chat with an image': (client) =>
      client.chat({ model: 'able', messages: [{ role: 'user', content: 'see', images: ['aGVsbG8='] }] }),
    'chat without messages': (client) => client.chat({ model: 'able' }),
    generate: (client) => client.generate({ model: 'able', prompt: 'Tell me 4 tokens' }),
    'generate, raw': (client) => client.generate({ model: 'able', prompt: 'Tell me 4 tokens', raw: true }),
    'generate with a suffix': (client) => client.generate({ model: 'able', prompt: 'f(', suffix: ')' }),
    'generate with a picture': (client) =>
      client.generate({ model: 'able', prompt: 'see', images: [new Uint8Array([1, 2, 3])] }),
    'generate without a prompt': (client) => client.generate({ model: 'able', prompt: '', keep_alive: '5m' }),
    embed: (client) => client.embed({ model: 'able', input: ['one', 'two'], dimensions: 4, truncate: true }),
    'embed one text': (client) => client.embed({ model: 'able', input: 'one' }),
    embeddings: (client) => client.embeddings({ model: 'able', prompt: 'one' }),
    systemone: (client) =>
      client.systemone({
        model: 'able',
        state: { n: 1 },
        questions: {
          sure: { type: 'noul', instructions: 'x' },
          which: { type: 'choice', instructions: 'x', criteria: { a: null, b: 'second' } },
          much: { type: 'score', instructions: ['x'], criteria: ['low', 'high'] },
        },
      }),
  };
  for (const [title, method] of Object.entries(METHODS)) {
    test(title, async () => {
      assert.deepEqual(timeless(await method(ollama)), timeless(await method(direct)));
    });
  }

  const STREAMS: Readonly<Record<string, (client: Ollama) => Promise<AsyncIterable<object>>>> = {
    chat: (client) => client.chat({ model: 'able', messages, stream: true }),
    generate: (client) => client.generate({ model: 'able', prompt: 'Tell me 4 tokens', stream: true }),
  };
  for (const [title, method] of Object.entries(STREAMS)) {
    test(`${title}, streamed`, async () => {
      const parts = async (client: Ollama) => {
        const all: object[] = [];
        for await (const part of await method(client)) all.push(timeless(part));
        return all;
      };
      assert.deepEqual(await parts(ollama), await parts(direct));
    });
  }

  test('list and ps hold what one server says, and what the others do', async () => {
    const own = await direct.list();
    const all = await ollama.list();
    assert.deepEqual(
      all.models.filter(({ name }) => name === 'able:latest'),
      own.models,
    );
    assert.equal(all.models.length, 2);
    await ollama.generate({ model: 'able', prompt: '' });
    const running = (await ollama.ps()).models.map(({ name }) => name);
    assert.deepEqual(running.toSorted(), ['able:latest', 'other:latest']);
  });

  test('an unload is one answer', async () => {
    const { done_reason: reason } = await ollama.generate({ model: 'able', prompt: '', keep_alive: 0 });
    assert.equal(reason, 'unload');
    assert.deepEqual(fleet.endpoints.a.loadedModels(), []);
  });

  test('an unknown model is refused in words that clients look for', async () => {
    await assert.rejects(ollama.show({ model: 'nobody' }), {
      name: 'ResponseError',
      status_code: 404,
      message: "model 'nobody' not found",
    });
    await assert.rejects(ollama.embed({ model: 'nobody', input: 'x' }), {
      status_code: 404,
      message: 'model "nobody" not found, try pulling it first',
    });
    await assert.rejects(ollama.systemone({ model: 'nobody', state: '', questions: {} }), {
      status_code: 404,
      message: "model 'nobody' not found",
    });
    await assert.rejects(ollama.chat({ model: 'a b', messages }), { status_code: 400, message: 'invalid model name' });
  });

  test('an abort ends every request under way', async () => {
    const aborted = new Ollama({ host: router.url });
    const messages = [{ role: 'user', content: 'Tell me 100000 tokens' }];
    const stream = await aborted.chat({ model: 'able', messages, stream: true });
    const read = async () => {
      for await (const _ of stream) aborted.abort();
    };
    await assert.rejects(read, { name: 'AbortError' });
    await router.idle();
    await fleet.endpoints.a.waitFor(() => fleet.endpoints.a.inFlight() === 0);
  });

  test('what its own suite asserts of systemone: order kept, every answer as it is, every refusal with its status', async () => {
    const { a } = fleet.endpoints;
    const score = {
      type: 'score',
      score: 0.25,
      legend: { 0: 'low' },
      probabilities: { 0: 1 },
      confidence: 0.2,
    } as const;
    const answer = { model: 'able', answers: { much: score }, usage: { input_tokens: 1, output_tokens: 2 } };
    const request: SystemOneRequest = {
      model: 'able',
      state: { paid: true, list: ['x', null] },
      questions: {
        z: { type: 'choice', instructions: { task: 'x' }, criteria: { second: null, first: 'x' } },
        a: { type: 'noul', instructions: ['x'] },
      },
      keep_alive: 0,
    };
    a.forgetRequests();
    a.faults.add({ on: { path: '/v1/systemone' }, times: 1, body: answer });
    assert.deepEqual(await ollama.systemone(request), answer);
    assert.equal(onlyAsked(a).body.toString(), JSON.stringify(request));
    for (const status of [400, 404, 413, 503]) {
      a.faults.add({ on: { path: '/v1/systemone' }, times: 1, status, body: { error: 'its own words' } });
      await assert.rejects(ollama.systemone(request), {
        status_code: status,
        message: 'its own words',
      });
    }
  });

  test('a client below a path and with a key in its address is let in', async () => {
    await using locked = await routerBefore([fleet.endpoints.a], { router_api_key: 'secret' });
    const keyed = new Ollama({ host: `${locked.url}/k/secret` });
    fleet.endpoints.a.forgetRequests();
    assert.equal((await keyed.embed({ model: 'able', input: 'x' })).embeddings.length, 1);
    assert.equal(onlyAsked(fleet.endpoints.a).path, '/api/embed');
    const stranger = new Ollama({ host: locked.url });
    await assert.rejects(stranger.ps(), { status_code: 401 });
  });
});

/** Without the times, which differ from call to call. */
function timeless(answer: object): object {
  return Object.fromEntries(Object.entries(answer).filter(([key]) => !/(_duration|^created_at)$/.test(key)));
}
