import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../../src/errors.ts';
import type { Operation } from '../../../src/protocols/call.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { chat, generate, show } from '../../../src/protocols/ollama/operations.ts';
import { endpointOf } from '../../support/listings.ts';
import { feed } from '../feeding.ts';
import { decode } from './request-calls.ts';

function refusal(operation: Operation, body: string | object): [number, string] {
  try {
    decode(operation, typeof body === 'string' ? body : { ...body });
  } catch (error) {
    assert.ok(error instanceof RouterError, `${error}`);
    return [error.status, error.message];
  }
  return [200, ''];
}

for (const [operation, body, status, said] of [
  [generate, { model: '' }, 404, "model '' not found"],
  [generate, {}, 404, "model '' not found"],
  [chat, { model: '' }, 400, 'model is required'],
  [chat, { model: null }, 400, 'model is required'],
  [show, {}, 400, 'model is required'],
  [show, { model: '', name: '' }, 400, 'model is required'],
  [chat, '', 400, 'missing request body'],
  [
    chat,
    { model: 'm', stream: 'x' },
    400,
    'json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool',
  ],
  [chat, { model: 'm', messages: [], keep_alive: '300' }, 400, 'time: missing unit in duration "300"'],
] as const) {
  test(`1.3 ${operation.path} with ${JSON.stringify(body)} is ${status}: ${said}`, () => {
    assert.deepEqual(refusal(operation, body), [status, said]);
  });
}

for (const [operation, body, intent] of [
  [chat, { messages: [{ role: 'user', content: '' }] }, 'answer'],
  [chat, { messages: [{ role: 'user', content: 'x' }], keep_alive: 0 }, 'answer'],
  [chat, {}, 'load'],
  [chat, { messages: null, keep_alive: '5m' }, 'load'],
  [chat, { messages: [], keep_alive: 0 }, 'unload'],
  [chat, { messages: [], keep_alive: '0s' }, 'unload'],
  [chat, { messages: [], keep_alive: -1 }, 'load'],
  [generate, { prompt: 'x' }, 'answer'],
  [generate, { prompt: '' }, 'load'],
  [generate, { prompt: '', keep_alive: '0' }, 'unload'],
  [generate, { images: ['AAAA'] }, 'load'],
  [generate, { prompt: 'x', keep_alive: 0 }, 'answer'],
] as const) {
  test(`1.5 ${operation.path} with ${JSON.stringify(body)} means: ${intent}`, () => {
    assert.equal(decode(operation, { model: 'm', ...body }).intent, intent);
  });
}

test('1.5 Ollama streams unless it is told not to', () => {
  const streaming = [undefined, null, true, false].map((stream) => decode(chat, { model: 'm', stream }).streaming);
  assert.deepEqual(streaming, [true, true, true, false]);
});

test('0 show takes the field that is not empty, and that one is edited', () => {
  const named = [{ model: '', name: 'x' }, { model: 'x', name: '' }, { model: 'x', name: 'x' }, { name: 'x' }].map(
    (body) => {
      const { model, modelField } = decode(show, body);
      return [model, modelField];
    },
  );
  assert.deepEqual(named, [
    ['x', 'name'],
    ['x', 'model'],
    ['x', 'model'],
    ['x', 'name'],
  ]);
});

test('4.1 to an Ollama server the body goes as it came, but for what is meant for the router', () => {
  const body = Buffer.from(
    '{ "Model":"m","messages":[{"x":1.0}], "nomyo":{"a":1} , "options":{"seed":9007199254740993} }tail',
  );
  const call = chat.decode(body);
  assert.equal(
    splice(body, chat.edits(call, endpointOf('ollama'))).toString(),
    '{ "Model":"m","messages":[{"x":1.0}] , "options":{"seed":9007199254740993} }tail',
  );
  const plain = Buffer.from('{"model":"m","messages":[]}');
  assert.deepEqual(chat.edits(chat.decode(plain), endpointOf('ollama')), []);
});

test('1.3 each object of the answer has the name that the client wrote', () => {
  const call = decode(chat, { model: 'M:local' });
  const pipe = (type: string) => chat.verbatim(call, endpointOf('ollama'), type, { client: 'M:local', upstream: 'M' });
  const line = (model: string) => `{"model":"${model}","message":{"content":"M","x":1.0},"done":true}`;
  assert.equal(
    feed(pipe('application/x-ndjson'), [Buffer.from(`${line('M')}\n${line('other')}\n${line('M')}\n`)]).text,
    `${line('M:local')}\n${line('other')}\n${line('M:local')}\n`,
  );
  assert.equal(feed(pipe('application/json'), [Buffer.from(line('M'))]).text, line('M:local'));
});

test('1.5 loading and unloading are acknowledged in the shape of the route', () => {
  const said = [chat, generate].map((operation) => {
    const answer = operation.acknowledge?.(decode(operation, { model: 'M', keep_alive: 0 })) ?? '';
    const { created_at, ...rest } = JSON.parse(answer);
    assert.match(created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    return rest;
  });
  const done = { model: 'M', done: true, done_reason: 'unload' };
  assert.deepEqual(said, [
    { ...done, message: { role: 'assistant', content: '' } },
    { ...done, response: '' },
  ]);
  assert.equal(JSON.parse(chat.acknowledge?.(decode(chat, { model: 'M' })) ?? '').done_reason, 'load');
});
