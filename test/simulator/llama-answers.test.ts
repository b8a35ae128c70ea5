import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ask, type Json } from '../contract/ask.ts';
import { eventsIn } from './events.ts';

const user = (content: unknown) => [{ role: 'user', content }];
const tool = (name: string) => ({ type: 'function', function: { name, parameters: { type: 'object' } } });

async function llama(options: Omit<SimulatedEndpointOptions, 'kind'> = {}) {
  const endpoint = await startSimulatedEndpoint({ kind: 'llama-server', models: ['m'], ...options });
  const post = (path: string, body: object) => ask(endpoint.url, path, { body });
  return { endpoint, post, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

test('sound and films are taken where the model has ears and eyes, by their address too', async () => {
  await using it = await llama({ models: [{ name: 'm', capabilities: ['completion', 'vision', 'audio'] }] });
  for (const part of [
    { type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } },
    { type: 'input_audio', input_audio: { data: 'http://127.0.0.1:9/x', format: 'wav' } },
    { type: 'input_video', input_video: { url: 'http://127.0.0.1:9/x' } },
    { type: 'video_url', video_url: { url: 'http://127.0.0.1:9/x' } },
  ]) {
    const answer = await it.post('/v1/chat/completions', { messages: user([part]) });
    assert.equal(answer.status, 200, answer.text);
  }
  await using deaf = await llama();
  for (const [type, media] of [
    ['input_audio', 'audio'],
    ['input_video', 'video'],
    ['video_url', 'video'],
  ]) {
    const answer = await deaf.post('/v1/chat/completions', { messages: user([{ type }]) });
    assert.deepEqual(answer.json().error.message.split(' - ')[0], `${media} input is not supported`);
  }
});

test('a choice of tools is a word: a name is read as none', async () => {
  await using it = await llama();
  const calls = async (choice: unknown) => {
    const body = { messages: user('x'), tools: [tool('f'), tool('g')], tool_choice: choice };
    return (await it.post('/v1/chat/completions', body)).json().choices[0].message.tool_calls?.length;
  };
  assert.equal(await calls({ type: 'function', function: { name: 'g' } }), undefined);
  assert.equal(await calls('required'), 1);
});

test('an assistant is continued, but not where it has called tools', async () => {
  await using it = await llama();
  const last = (fields: object) =>
    it.post('/v1/chat/completions', { messages: [...user('x'), { role: 'assistant', ...fields }] });
  assert.equal((await last({ content: 'so' })).status, 200);
  const calls = [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }];
  const refused = await last({ content: null, tool_calls: calls });
  const message = 'Cannot continue an assistant message that contains tool calls.';
  assert.deepEqual([refused.status, refused.json().error.message], [400, message]);
});

test('several prompts have several answers: each with its usage, a null before each but the first', async () => {
  await using it = await llama();
  const asked = { prompt: ['one', 'two'], max_tokens: 2 };
  const records = (await it.post('/v1/completions', { ...asked, stream: true })).records();
  assert.equal(records.pop(), '[DONE]');
  const read: Json[] = records.map((record) => JSON.parse(record));
  assert.deepEqual(
    read.map((record) => record?.choices[0].index),
    [0, 0, 0, undefined, 1, 1, 1],
  );
  const finished = read.filter((record) => record?.choices[0].finish_reason === 'length');
  assert.deepEqual(
    finished.map((record) => [record.usage.completion_tokens, record.timings.predicted_n]),
    [
      [2, 2],
      [2, 2],
    ],
  );
  const whole = (await it.post('/v1/completions', asked)).json();
  assert.deepEqual([whole.choices.length, whole.usage.completion_tokens], [2, 2], 'told of the first only');
});

test('several choices of a chat tell their costs each: where one ends, or behind that where usage is asked for', async () => {
  await using it = await llama();
  const asked = { messages: user('hello'), max_tokens: 2, n: 2, stream: true };
  const costs = async (fields: object) => {
    const records = (await it.post('/v1/chat/completions', { ...asked, ...fields })).records().slice(0, -1);
    return records.map((record) => {
      const { choices, usage, timings }: Json = JSON.parse(record);
      return [choices[0]?.index, choices[0]?.finish_reason, usage?.completion_tokens, timings?.predicted_n];
    });
  };
  const said = (index: number) => new Array(3).fill([index, null, undefined, undefined]);
  const ends = (index: number) => [...said(index), [index, 'length', undefined, 2]];
  assert.deepEqual(await costs({}), [...ends(0), ...ends(1)]);
  const apart = (index: number) => {
    return [...said(index), [index, 'length', undefined, undefined], [undefined, undefined, 2, 2]];
  };
  assert.deepEqual(await costs({ stream_options: { include_usage: true } }), [...apart(0), ...apart(1)]);
  const timed = await costs({ timings_per_token: true });
  assert.deepEqual(
    timed.map(([, , , count]) => count),
    [undefined, 1, 2, 2, undefined, 1, 2, 2],
  );
  const { usage } = (await it.post('/v1/chat/completions', { ...asked, stream: false })).json();
  assert.equal(usage.completion_tokens, 2, 'told of the first only');
});

test('messages tell apart what was in the cache, from the start', async () => {
  await using it = await llama();
  const asked = { messages: user('hello'), max_tokens: 2 };
  const { input_tokens: all, cache_read_input_tokens: none } = (await it.post('/v1/messages', asked)).json().usage;
  assert.equal(none, 0);
  const events = eventsIn((await it.post('/v1/messages', { ...asked, stream: true })).text);
  const usage = events[0]?.data.message.usage ?? {};
  assert.deepEqual([usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens], [1, all - 1, 0]);
});

test('texts are embedded in its own words too, and what is no text is its own fault', async () => {
  await using it = await llama({ models: [{ name: 'm', embeddingLength: 4 }], embeddings: true });
  for (const [path, body] of [
    ['/embeddings', { input: ['a', 'b'] }],
    ['/embedding', { content: ['a', 'b'] }],
    ['/v1/embeddings', { content: ['a', 'b'] }],
  ] as const) {
    const items: Json[] = (await it.post(path, body)).json();
    assert.deepEqual(
      items.map(({ index, embedding }) => [index, embedding.length, embedding[0].length]),
      [
        [0, 1, 4],
        [1, 1, 4],
      ],
    );
  }
  for (const input of [null, 5, true, {}, [null], [1.5]])
    assert.equal((await it.post('/v1/embeddings', { input })).status, 500, JSON.stringify(input));
  const tokens = (await it.post('/v1/embeddings', { input: ['x', 5] })).json();
  assert.equal(tokens.data.length, 1, 'texts and tokens mixed are one text');
});
