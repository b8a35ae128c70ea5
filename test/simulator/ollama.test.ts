import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, askAndLeave, type Json } from '../contract/ask.ts';

const user = (content: string, more: object = {}) => [{ role: 'user', content, ...more }];
const weather = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

async function ollama(options: Omit<SimulatedEndpointOptions, 'kind'>) {
  const endpoint = await startSimulatedEndpoint({ kind: 'ollama', ...options });
  const chat = (fields: object) =>
    ask(endpoint.url, '/api/chat', { body: { model: 'm', messages: user('hello'), ...fields } });
  return { endpoint, chat, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

describe('scheduling', () => {
  test('runs as many requests at once as it has slots; the rest wait', async () => {
    await using it = await ollama({ models: ['m'], slots: 2 });
    const answers = await Promise.all(Array.from({ length: 6 }, () => it.chat({ stream: false })));
    assert.ok(answers.every((answer) => answer.status === 200));
    assert.equal(it.endpoint.peakInFlight('m'), 2);
    assert.equal(it.endpoint.totals('m').completion, 6 * 12);
  });

  test('refuses with its own words when too many wait, and nothing ran', async () => {
    await using it = await ollama({ models: ['m'], slots: 1, queueLimit: 1 });
    it.endpoint.faults.add({ stallAfterTokens: 1, times: 2 });
    const stalled = [it.chat({}), it.chat({})];
    await it.endpoint.waitFor(() => it.endpoint.inFlight('m') === 1 && it.endpoint.waiting() === 1);
    const refused = await it.chat({});
    assert.deepEqual(
      [refused.status, refused.json()],
      [503, { error: 'server busy, please try again.  maximum pending requests exceeded' }],
    );
    assert.equal(it.endpoint.requests.at(-1)?.tokens, 0);
    await it.endpoint.stop();
    assert.ok((await Promise.allSettled(stalled)).every(({ status }) => status === 'rejected'));
  });

  test('who waits for a load counts as waiting', async () => {
    await using it = await ollama({ models: ['m'], loadMs: 60_000, queueLimit: 1 });
    const waiting = [it.chat({}), it.chat({})];
    await it.endpoint.waitFor(() => it.endpoint.waiting() === 1);
    assert.equal((await it.chat({})).status, 503);
    await it.endpoint.stop();
    await Promise.allSettled(waiting);
  });

  test('the least recently used model leaves for one that does not fit beside it', async () => {
    const models = ['a', 'b', 'c'].map((name) => ({ name, vram: 4 }));
    await using it = await ollama({ models, vramBytes: 8 });
    for (const model of ['a', 'b', 'a', 'c']) await it.chat({ model });
    assert.deepEqual(it.endpoint.loadedModels(), ['a:latest', 'c:latest']);
  });

  test('a model that does not fit makes all requests behind it wait until one in use is idle', async () => {
    const models = ['a', 'b'].map((name) => ({ name, vram: 4 }));
    await using it = await ollama({ models, vramBytes: 4, slots: 4 });
    it.endpoint.faults.add({ stallAfterTokens: 1, times: 1 });
    const stalled = it.chat({ model: 'a' });
    await it.endpoint.waitFor(() => it.endpoint.inFlight('a') === 1);
    const forB = it.chat({ model: 'b' });
    await it.endpoint.waitFor((requests) => requests.length === 2 && requests[1]?.bodyComplete === true);
    const forA = it.chat({ model: 'a' });
    await it.endpoint.waitFor(() => it.endpoint.waiting() === 1);
    assert.equal(it.endpoint.inFlight('a'), 1, 'although a has free slots');
    it.endpoint.faults.clear();
    await it.endpoint.stop();
    assert.ok((await Promise.allSettled([stalled, forB, forA])).every(({ status }) => status === 'rejected'));
  });

  test('a model leaves when its time is over', async () => {
    await using it = await ollama({ models: ['m'] });
    await it.chat({ keep_alive: '20ms' });
    assert.deepEqual(it.endpoint.loadedModels(), ['m:latest']);
    // Its timer does not hold the process: the server's own socket does.
    await it.endpoint.waitFor(() => it.endpoint.loadedModels().length === 0);
  });

  test('a model that leaves slowly is still listed, and a request for it waits and loads it anew', async () => {
    await using it = await ollama({ models: ['m'], loaded: ['m'], unloadMs: 30 });
    await it.chat({ messages: [], keep_alive: 0 });
    const { models } = (await ask(it.endpoint.url, '/api/ps')).json();
    assert.equal(models.length, 1);
    assert.ok(Date.parse(models[0].expires_at) <= Date.now());
    assert.equal((await it.chat({})).status, 200);
    assert.deepEqual(it.endpoint.loadedModels(), ['m:latest']);
  });

  test('a prompt seen before is in the cache', async () => {
    await using it = await ollama({ models: ['m'] });
    const first = (await it.chat({ stream: false })).json();
    const messages = [...user('hello'), first.message, ...user('and then?')];
    await it.chat({ messages });
    const { prompt, cached } = it.endpoint.totals('m');
    assert.ok(cached >= first.prompt_eval_count - 1 && cached < prompt);
  });
});

describe('answers', () => {
  test('calls a tool in a line of its own before 0.30, in the last line since', async () => {
    for (const [version, isLast] of [
      ['0.24.0', false],
      ['0.32.15', true],
    ] as const) {
      await using it = await ollama({ models: ['m'], version });
      const lines = (await it.chat({ messages: user('call weather'), tools: [weather] })).lines();
      const line = lines.find((each) => each.message.tool_calls !== undefined);
      const [call] = line.message.tool_calls;
      assert.deepEqual(
        [line.done, call.function.name, call.function.index, typeof call.function.arguments.city],
        [isLast, 'weather', 0, 'string'],
      );
      assert.match(call.id, /^call_[0-9a-z]{8}$/);
      assert.equal(lines.at(-1).done_reason, 'stop');
      const v1 = await ask(it.endpoint.url, '/v1/chat/completions', {
        body: { model: 'm', messages: user('call weather'), tools: [weather] },
      });
      const [choice] = v1.json().choices;
      assert.deepEqual(
        [
          choice.finish_reason,
          choice.message.tool_calls[0].type,
          typeof choice.message.tool_calls[0].function.arguments,
        ],
        ['tool_calls', 'function', 'string'],
      );
    }
  });

  test('thinks unless told not to, where the model can', async () => {
    await using it = await ollama({ models: [{ name: 'm', capabilities: ['completion', 'thinking'] }] });
    assert.ok((await it.chat({ stream: false })).json().message.thinking.length > 0);
    assert.equal((await it.chat({ stream: false, think: false })).json().message.thinking, undefined);
    const v1 = (
      await ask(it.endpoint.url, '/v1/chat/completions', { body: { model: 'm', messages: user('hello') } })
    ).json();
    assert.ok(v1.choices[0].message.reasoning.length > 0);
  });

  test('says that it sees an image, where the model can', async () => {
    const messages = user('what is this?', { images: ['aGk='] });
    await using it = await ollama({ models: [{ name: 'm', capabilities: ['completion', 'vision'] }, 'blind'] });
    assert.match((await it.chat({ messages, stream: false })).json().message.content, /^I see 1 image/);
    assert.doesNotMatch((await it.chat({ model: 'blind', messages, stream: false })).json().message.content, /image/);
  });

  test('the same text comes from /api and from /v1, streamed or whole', async () => {
    await using it = await ollama({ models: ['m'] });
    const whole: string = (await it.chat({ stream: false })).json().message.content;
    const streamed = (await it.chat({}))
      .lines()
      .map((line: Json) => line.message.content)
      .join('');
    const v1 = (
      await ask(it.endpoint.url, '/v1/chat/completions', { body: { model: 'm', messages: user('hello') } })
    ).json();
    assert.deepEqual([streamed, v1.choices[0].message.content], [whole, whole]);
  });

  test('a stop text and a format are heeded', async () => {
    await using it = await ollama({ models: ['m'] });
    const whole: string = (await it.chat({ stream: false })).json().message.content;
    const stop = whole.slice(10, 14);
    assert.equal(
      (await it.chat({ stream: false, options: { stop: [stop] } })).json().message.content,
      whole.slice(0, whole.indexOf(stop)),
    );
    const format = { type: 'object', properties: { ok: { type: 'boolean' } } };
    assert.equal(typeof JSON.parse((await it.chat({ stream: false, format })).json().message.content).ok, 'boolean');
  });
});

describe('newer versions', () => {
  test('tell more in tags, show the display form of an unknown name, and embed with embedding models only', async () => {
    await using it = await ollama({ models: ['m', { name: 'e', capabilities: ['embedding'] }], version: '0.32.15' });
    const [entry] = (await ask(it.endpoint.url, '/api/tags')).json().models;
    assert.deepEqual([typeof entry.details.context_length, Array.isArray(entry.capabilities)], ['number', true]);
    assert.deepEqual((await ask(it.endpoint.url, '/api/show', { body: { model: 'zzz' } })).json(), {
      error: "model 'zzz:latest' not found",
    });
    const embed = (path: string, fields: object) => ask(it.endpoint.url, path, { body: fields });
    assert.equal((await embed('/api/embed', { model: 'm', input: 'x' })).status, 501);
    assert.equal((await embed('/api/embeddings', { model: 'm', prompt: 'x' })).status, 500);
    assert.equal((await embed('/v1/embeddings', { model: 'm', input: 'x' })).status, 501);
    assert.equal((await embed('/api/embed', { model: 'e', input: 'x' })).status, 200);
    assert.deepEqual((await it.chat({ model: 'e' })).json(), { error: '"e" does not support chat' });
  });

  test('since 0.32.6 the role stands in the first delta only and the finish in a record of its own', async () => {
    await using it = await ollama({ models: ['m'], version: '0.32.6' });
    const body = { model: 'm', messages: user('hello'), stream: true, max_tokens: 2 };
    const records = (await ask(it.endpoint.url, '/v1/chat/completions', { body })).records().slice(0, -1);
    const choices = records.map((record) => JSON.parse(record).choices[0]);
    assert.deepEqual(
      choices.map((choice) => choice.delta.role),
      ['assistant', undefined, undefined],
    );
    assert.deepEqual([choices[2].delta, choices[2].finish_reason], [{}, 'length']);
  });
});

describe('pull', () => {
  test('reports the layer as it comes, and the model is there at the end', async () => {
    await using it = await ollama({ registry: [{ name: 'new', size: 100 }] });
    const lines = (await ask(it.endpoint.url, '/api/pull', { body: { model: 'NEW' } })).lines();
    assert.deepEqual(
      lines.filter((line) => line.total !== undefined).map((line) => line.completed),
      [undefined, 25, 50, 75, 100],
    );
    assert.match(lines[1].status, /^pulling [0-9a-f]{12}$/);
    assert.deepEqual(lines.at(-1), { status: 'success' });
    assert.equal((await ask(it.endpoint.url, '/api/show', { body: { model: 'new' } })).status, 200);
  });

  test('ends with the words that clients look for where the registry has no such model', async () => {
    await using it = await ollama({});
    const lines = (await ask(it.endpoint.url, '/api/pull', { body: { model: 'zzz' } })).lines();
    assert.deepEqual(lines.at(-1), { error: 'pull model manifest: file does not exist' });
  });

  test('can break in the middle', async () => {
    await using it = await ollama({ registry: ['new'] });
    it.endpoint.faults.add({ errorAfterTokens: { count: 3, message: 'disk full' } });
    const lines = (await ask(it.endpoint.url, '/api/pull', { body: { model: 'new' } })).lines();
    assert.deepEqual([lines.length, lines.at(-1)], [4, { error: 'disk full' }]);
    assert.equal((await ask(it.endpoint.url, '/api/show', { body: { model: 'new' } })).status, 404);
  });

  test('stops where its client leaves', async () => {
    await using it = await ollama({ registry: ['new'], pullMs: 600_000 });
    await askAndLeave(it.endpoint.url, '/api/pull', { body: { model: 'new' } });
    await it.endpoint.waitFor(([first]) => first?.clientLeft === true && first.endedAt !== undefined);
  });
});

test('an upload of what is there already is answered before its body has come', async () => {
  await using it = await ollama({});
  const digest = `sha256:${createHash('sha256').update('bytes').digest('hex')}`;
  assert.equal((await ask(it.endpoint.url, `/api/blobs/${digest}`, { body: 'bytes' })).status, 201);
  const socket = connect(it.endpoint.port, '127.0.0.1');
  socket.write(`POST /api/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nby`);
  const [head] = await once(socket, 'data');
  assert.match(String(head), /^HTTP\/1\.1 200 OK\r\n.*Connection: close/s);
  socket.destroy();
});

test('models can be added and taken away while it runs', async () => {
  await using it = await ollama({});
  assert.deepEqual((await ask(it.endpoint.url, '/v1/models')).json(), { object: 'list', data: null });
  it.endpoint.addModel('m');
  await it.endpoint.load('m');
  assert.equal((await it.chat({})).status, 200);
  it.endpoint.removeModel('m');
  assert.deepEqual([(await it.chat({})).status, it.endpoint.loadedModels()], [404, []]);
});
