import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answer, ask, type Json } from '../contract/ask.ts';
import { eventually, ONCE, type RunningRouter, startRouter } from '../support/router.ts';
import { type RealServer, realServersMissing, startRealLlamaServer } from './servers.ts';

const missing = realServersMissing();
const user = [{ role: 'user', content: 'Once upon a time' }];
/** Looks at once again where an endpoint was not well, else only when a test has changed something behind its back. */
const OFTEN = { ...ONCE, healthy: 200 };
const TOKEN = 'hf_not-for-clients';

describe('a real llama-server that loads models, through the router', { skip: missing ?? false }, () => {
  let llama: RealServer;
  let router: RunningRouter;
  before(async () => {
    llama = await startRealLlamaServer({
      models: ['tiny', 'other', 'Some Model-Q4_K_M'],
      broken: ['broken'],
      presets: {
        'ns/quick:Q4_K_M': ['alias = quick,fast'],
        sleepy: ['sleep-idle-seconds = 1'],
        vectors: ['embeddings = 1', 'pooling = mean'],
        gated: [`hf-token = ${TOKEN}`],
      },
      args: ['--models-max', '3'],
    });
    router = await startRouter(
      { endpoints: [{ url: llama.url, kind: 'llama-server' }], timeouts: { first_byte: '20s' } },
      OFTEN,
    );
  });
  after(async () => {
    for (const part of [router, llama]) await part[Symbol.asyncDispose]();
  });

  const post = (path: string, body: object) => ask(router.url, path, { body });
  const chat = (model: string) => post('/v1/chat/completions', { model, messages: user, max_tokens: 2 });
  const running = async (): Promise<string[]> => {
    const { models } = (await ask(router.url, '/api/ps')).json();
    return models.map(({ name }: Json) => name);
  };
  const status = async (model: string): Promise<Json> => {
    const { data } = (await ask(llama.url, '/models')).json();
    return data.find(({ id }: Json) => id === model).status;
  };
  const until = (model: string, value: string) => eventually(async () => (await status(model)).value === value);
  /** Both the server and, by its probes, the router. */
  const asleep = async (model: string) => {
    await until(model, 'sleeping');
    await eventually(async () => !(await running()).includes(`${model}:latest`));
  };
  const done = (answer: Answer) => [answer.status, answer.json().done_reason];

  test('3.2 lists what is not loaded, and loads nothing by listing and showing', async () => {
    const ids = (await ask(router.url, '/v1/models')).json().data.map(({ id }: Json) => id);
    for (const id of ['tiny', 'other', 'Some Model-Q4_K_M', 'broken', 'ns/quick:Q4_K_M', 'sleepy', 'vectors'])
      assert.ok(ids.includes(id), id);
    const tags = (await ask(router.url, '/api/tags')).json().models.map(({ name }: Json) => name);
    assert.ok(tags.includes('tiny:latest') && tags.includes('ns/quick:Q4_K_M'));
    for (const model of ['tiny', 'ns/quick:Q4_K_M', 'fast', 'Some Model-Q4_K_M'])
      assert.equal((await post('/api/show', { model })).status, 200, model);
    assert.deepEqual(await running(), []);
    assert.equal((await status('tiny')).value, 'unloaded');
  });

  test('4.2 is told to load by an empty request of Ollama, and answers when it has', async () => {
    assert.deepEqual(done(await post('/api/chat', { model: 'tiny', messages: [] })), [200, 'load']);
    assert.equal((await status('tiny')).value, 'loaded');
    assert.deepEqual(await running(), ['tiny:latest']);
    assert.deepEqual(done(await post('/api/generate', { model: 'tiny', prompt: '' })), [200, 'load'], 'again');
    const shown = (await post('/api/show', { model: 'tiny' })).json();
    assert.equal(shown.model_info['llama.context_length'], 512);
  });

  test('4.2 is told to unload by keep_alive 0', async () => {
    assert.deepEqual(done(await post('/api/generate', { model: 'tiny', keep_alive: 0 })), [200, 'unload']);
    assert.deepEqual(await running(), []);
    assert.equal((await status('tiny')).value, 'unloaded');
    assert.deepEqual(done(await post('/api/chat', { model: 'tiny', keep_alive: 0 })), [200, 'unload'], 'again');
  });

  test('3.2 loads for a request by any of the names it gives a model', async () => {
    for (const model of ['ns/quick:Q4_K_M', 'quick', 'fast', 'Some Model-Q4_K_M', 'Some Model-Q4_K_M:latest']) {
      assert.equal((await chat(model)).status, 200, model);
      assert.equal((await ask(router.url, `/v1/models/${encodeURIComponent(model)}`)).json().id, model);
    }
    const { embeddings } = (await post('/api/embed', { model: 'vectors', input: ['x', 'y'], dimensions: 2 })).json();
    assert.equal(embeddings.length, 2);
    for (const [a, b] of embeddings) assert.ok(Math.abs(a * a + b * b - 1) < 1e-6);
    assert.equal((await chat('nobody')).json().error.code, 'model_not_found');
  });

  test('3.3 a broken model is said to be broken, on every route', async () => {
    const text = 'model name=broken failed to load';
    const answer = await chat('broken');
    assert.deepEqual([answer.status, answer.json().error.message], [500, text]);
    const { failed, exit_code: code, value } = await status('broken');
    assert.deepEqual([failed, code, value], [true, 1, 'unloaded']);
    for (const body of [{ messages: user }, { messages: [] }]) {
      const said = await post('/api/chat', { model: 'broken', ...body });
      assert.deepEqual([said.status, said.json()], [500, { error: text }]);
    }
    assert.equal((await chat('other')).status, 200, 'the others go on');
  });

  test('2.1 a broken model is not tried again by clients', async () => {
    assert.equal((await chat('broken')).headers['x-should-retry'], 'false');
    assert.equal((await post('/api/chat', { model: 'broken', messages: user })).headers['x-should-retry'], 'false');
  });

  test('3.2 a model that sleeps is available, not running, and wakes for a request', async () => {
    assert.equal((await chat('sleepy')).status, 200);
    await asleep('sleepy');
    assert.equal((await post('/api/show', { model: 'sleepy' })).json().model_info['llama.context_length'], 512);
    assert.equal((await status('sleepy')).value, 'sleeping', 'neither lists nor shows nor probes wake it');
    assert.equal((await chat('sleepy')).status, 200);
    await eventually(async () => (await running()).includes('sleepy:latest'));
  });

  test('4.2 a model that sleeps counts as loaded where it is told to load', { timeout: 10_000 }, async () => {
    assert.equal((await chat('sleepy')).status, 200);
    await asleep('sleepy');
    assert.deepEqual(done(await post('/api/generate', { model: 'sleepy', prompt: '' })), [200, 'load']);
  });

  test('4.2 a model that sleeps is unloaded where it is told to unload', async () => {
    assert.equal((await chat('sleepy')).status, 200);
    await asleep('sleepy');
    assert.deepEqual(done(await post('/api/generate', { model: 'sleepy', keep_alive: 0 })), [200, 'unload']);
    assert.equal((await status('sleepy')).value, 'unloaded');
  });

  test('2.5 how it was started is no affair of the clients', async () => {
    const own = await ask(llama.url, '/v1/models');
    assert.ok(own.text.includes(TOKEN), 'it tells everything itself');
    for (const path of ['/v1/models', '/v1/models/gated', '/api/tags', '/api/ps', '/api/ps_details'])
      assert.ok(!(await ask(router.url, path)).text.includes(TOKEN), path);
  });

  test('3.3 makes room by itself: what was loaded and no longer is, is not running', async () => {
    for (const model of ['tiny', 'other', 'quick', 'Some Model-Q4_K_M']) assert.equal((await chat(model)).status, 200);
    // Which one it gives up is its own affair: one that is just being asked for its properties is spared.
    const loaded = async (): Promise<string[]> => {
      const { data } = (await ask(llama.url, '/models')).json();
      return data.flatMap(({ id, status: { value } }: Json) => (value === 'loaded' ? [id] : []));
    };
    await eventually(async () => {
      const names = (await running()).map((name) => name.replace(/:latest$/, ''));
      return names.toSorted().join() === (await loaded()).toSorted().join();
    });
    assert.ok((await loaded()).length <= 3);
  });
});

describe('a real llama-server that loads nothing unasked, through the router', { skip: missing ?? false }, () => {
  test('3.3 has what it says of a model that is not loaded, and loads it where it is told to', async () => {
    await using llama = await startRealLlamaServer({ models: ['tiny'], args: ['--no-models-autoload'] });
    await using router = await startRouter({ endpoints: [{ url: llama.url, kind: 'llama-server' }] });
    const chat = () =>
      ask(router.url, '/v1/chat/completions', { body: { model: 'tiny', messages: user, max_tokens: 1 } });
    const refused = await chat();
    assert.deepEqual([refused.status, refused.json().error.message], [400, 'model is not loaded']);
    const loaded = await ask(router.url, '/api/generate', { body: { model: 'tiny', prompt: '' } });
    assert.deepEqual([loaded.status, loaded.json().done_reason], [200, 'load']);
    assert.equal((await chat()).status, 200);
  });
});
