import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, type Json } from '../contract/ask.ts';

const user = (content: string) => [{ role: 'user', content }];
const weather = {
  type: 'function',
  function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

async function llama(options: Omit<SimulatedEndpointOptions, 'kind'>) {
  const endpoint = await startSimulatedEndpoint({ kind: 'llama-server', ...options });
  const chat = (fields: object) =>
    ask(endpoint.url, '/v1/chat/completions', { body: { model: 'm', messages: user('hello'), ...fields } });
  return { endpoint, chat, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

test('answers 503 on every path while its model loads, until it is told that it is done', async () => {
  await using it = await llama({ models: ['m'], loadMs: Number.POSITIVE_INFINITY });
  for (const path of ['/health', '/v1/models', '/props', '/nope']) {
    const answer = await ask(it.endpoint.url, path);
    const error = { code: 503, message: 'Loading model', type: 'unavailable_error' };
    assert.deepEqual([answer.status, answer.json()], [503, { error }], path);
  }
  it.endpoint.finishLoading('m');
  await it.endpoint.waitFor(() => it.endpoint.loadedModels().length === 1);
  assert.equal((await ask(it.endpoint.url, '/health')).status, 200);
});

test('excess requests wait inside, and its slots show who works', async () => {
  await using it = await llama({ models: ['m'], slots: 2 });
  it.endpoint.faults.add({ stallAfterTokens: 1, times: 2 });
  const requests = Array.from({ length: 5 }, () => it.chat({ stream: true }));
  await it.endpoint.waitFor(() => it.endpoint.inFlight('m') === 2 && it.endpoint.waiting() === 3);
  const slots = (await ask(it.endpoint.url, '/slots')).json();
  assert.deepEqual(
    slots.map((slot: Json) => slot.is_processing),
    [true, true],
  );
  assert.equal((await ask(it.endpoint.url, '/slots?fail_on_no_slot=1')).status, 503);
  await it.endpoint.stop();
  await Promise.allSettled(requests);
  assert.equal(it.endpoint.peakInFlight('m'), 2);
});

test('calls a tool in fragments whose arguments join to JSON', async () => {
  await using it = await llama({ models: ['m'] });
  const answer = await it.chat({ messages: user('call weather'), tools: [weather], stream: true });
  const choices = answer
    .records()
    .slice(0, -1)
    .map((record) => JSON.parse(record).choices[0]);
  const calls = choices.flatMap((choice) => choice.delta.tool_calls ?? []);
  assert.deepEqual(
    [calls[0].function, calls[0].type, calls[0].id.length],
    [{ name: 'weather', arguments: '' }, 'function', 32],
  );
  assert.ok(calls.slice(1).every((call) => call.id === undefined && call.function.name === undefined));
  assert.ok(calls.length > 2);
  assert.equal(typeof JSON.parse(calls.map((call) => call.function.arguments).join('')).city, 'string');
  assert.equal(choices.at(-1).finish_reason, 'tool_calls');
});

test('reasons in reasoning_content, unless switched off', async () => {
  await using it = await llama({ models: [{ name: 'm', capabilities: ['completion', 'thinking'] }] });
  const [choice] = (await it.chat({})).json().choices;
  assert.ok(choice.message.reasoning_content.length > 0);
  for (const off of [{ chat_template_kwargs: { enable_thinking: false } }, { reasoning_effort: 'none' }]) {
    assert.equal((await it.chat(off)).json().choices[0].message.reasoning_content, undefined);
  }
});

test('an answer ends where its slot is full', async () => {
  await using it = await llama({ models: [{ name: 'm', contextLength: 20 }] });
  const body = (await it.chat({ messages: user('say 500 tokens') })).json();
  assert.deepEqual([body.choices[0].finish_reason, body.usage.total_tokens], ['length', 20]);
});

test('fills in between where the model was trained for it', async () => {
  await using it = await llama({ models: [{ name: 'm', capabilities: ['completion', 'insert'] }] });
  const filled = (
    await ask(it.endpoint.url, '/infill', { body: { input_prefix: 'a', input_suffix: 'b', n_predict: 3 } })
  ).json();
  assert.deepEqual(
    [filled.stop, filled.tokens_predicted, filled.stop_type, typeof filled.content],
    [true, 3, 'limit', 'string'],
  );
});

test('embeds where started for it, in the form asked for', async () => {
  await using it = await llama({ models: [{ name: 'm', embeddingLength: 8 }], embeddings: true });
  const embed = (fields: object) => ask(it.endpoint.url, '/v1/embeddings', { body: { input: ['a', 'b'], ...fields } });
  const floats = (await embed({ dimensions: 2 })).json().data;
  assert.deepEqual(
    floats.map((item: Json) => [item.index, item.embedding.length]),
    [
      [0, 8],
      [1, 8],
    ],
    'dimensions are ignored',
  );
  const packed = (await embed({ encoding_format: 'base64' })).json().data[0];
  assert.deepEqual([packed.encoding_format, Buffer.from(packed.embedding, 'base64').length], ['base64', 32]);
  assert.equal((await embed({ input: [] })).status, 400);
});

test('as a router it shows a model that loads, and others do not wait for it', async () => {
  await using it = await llama({ mode: 'router', models: [{ name: 'slow', loadMs: 60_000 }, 'm'] });
  await ask(it.endpoint.url, '/models/load', { body: { model: 'slow' } });
  const { data } = (await ask(it.endpoint.url, '/models')).json();
  assert.deepEqual(
    data.map((item: Json) => [item.id, item.status.value]),
    [
      ['slow', 'loading'],
      ['m', 'unloaded'],
    ],
  );
  assert.equal((await it.chat({})).status, 200);
});

test('tells its timings with every token, and how far the prompt was read, where asked to', async () => {
  await using it = await llama({ models: ['m'] });
  const chunks = async (fields: object): Promise<Json[]> => {
    const records = (await it.chat({ stream: true, ...fields })).records();
    return records.slice(0, -1).map((record) => JSON.parse(record));
  };
  const timed = await chunks({ timings_per_token: true });
  const counts = timed.flatMap((chunk) => (chunk.timings === undefined ? [] : [chunk.timings.predicted_n]));
  assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12]);
  const [first, ...others] = await chunks({ return_progress: true });
  const { total, processed, cache } = first.prompt_progress;
  assert.deepEqual(
    [first.choices[0].delta, total, processed, cache > 0],
    [{ role: 'assistant', content: null }, 6, 6, true],
  );
  assert.ok(others.every((chunk) => chunk.prompt_progress === undefined));
});
