import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure, RouterError } from '../../../src/errors.ts';
import { transcriptions, translations } from '../../../src/protocols/audio/operations.ts';
import type { Call } from '../../../src/protocols/call.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { endpointOf } from '../../support/listings.ts';
import { bytesOf, feed, feedEveryWay } from '../feeding.ts';
import { type Field, formOf, typeOf } from './forms.ts';

const FILE: Field = { name: 'file', value: Buffer.from([0, 1, 0xff, 0x0d, 0x0a, 0x2d, 0x2d]), filename: 'a.wav' };
const MODEL: Field = { name: 'model', value: 'whisper-1' };

function call(...fields: Field[]): Call {
  return transcriptions.decode(formOf('b', fields), typeOf('b'));
}

/** The form that an endpoint is sent which calls the model `up/é`. */
function sent(decoded: Call): Buffer {
  const edits = [
    ...transcriptions.edits(decoded, endpointOf('openai')),
    ...(transcriptions.nameEdits?.(decoded, 'up/é') ?? []),
  ];
  return splice(decoded.body, edits);
}

test('2.9 all kinds transcribe, two translate', () => {
  assert.deepEqual(transcriptions.native, ['ollama', 'llama-server', 'vllm', 'openai']);
  assert.deepEqual(translations.native, ['vllm', 'openai']);
  assert.deepEqual([transcriptions.path, translations.path], ['/v1/audio/transcriptions', '/v1/audio/translations']);
});

test('2.9 the model is a field of the form, which keeps its own type', () => {
  const { model, contentType, intent, streaming } = call(FILE, MODEL);
  assert.deepEqual([model, contentType, intent, streaming], ['whisper-1', typeOf('b'), 'answer', false]);
});

test('2.9 a call of one route is of that route', () => {
  const decoded = translations.decode(formOf('b', [FILE, MODEL]), typeOf('b'));
  assert.equal(decoded.operation, translations);
});

for (const [value, streaming] of [
  ['true', true],
  ['True', true],
  ['1', true],
  ['false', false],
  ['', false],
] as const) {
  test(`2.9 stream "${value}" means: ${streaming}`, () => {
    assert.equal(call(FILE, MODEL, { name: 'stream', value }).streaming, streaming);
  });
}

for (const [what, fields, code, param] of [
  ['no model', [FILE], 'model_required', 'model'],
  ['an empty model', [FILE, { name: 'model', value: ' ' }], 'model_required', 'model'],
  ['two models', [FILE, MODEL, MODEL], 'invalid_parameter', 'model'],
  ['no file', [MODEL], 'invalid_parameter', 'file'],
] as const) {
  test(`2.9 a form with ${what} is refused`, () => {
    assert.throws(
      () => call(...fields),
      (error) => error instanceof RouterError && error.code === code && error.details.param === param,
    );
  });
}

test('2.9 a body that is no form is refused', () => {
  for (const [body, type] of [
    ['', undefined],
    ['{"model":"m"}', 'application/json'],
    ['x', typeOf('b')],
  ] as const)
    assert.throws(
      () => transcriptions.decode(Buffer.from(body), type),
      (error) => error instanceof RouterError && error.code === 'invalid_parameter',
    );
});

test('1.3 the endpoint reads its own name of the model, and nothing else changes', () => {
  const fields = [FILE, MODEL, { name: 'language', value: 'de' }];
  assert.deepEqual(sent(call(...fields)), formOf('b', [FILE, { ...MODEL, value: 'up/é' }, fields[2] ?? MODEL]));
});

test('without a new name and without what is the router’s own the body is the same buffer', () => {
  const decoded = call(FILE, MODEL);
  assert.equal(splice(decoded.body, transcriptions.edits(decoded, endpointOf('openai'))), decoded.body);
});

test('the router’s own field never reaches an endpoint, wherever it stands', () => {
  const own: Field = { name: 'nomyo', value: 'x' };
  const expected = formOf('b', [{ ...MODEL, value: 'up/é' }, FILE]);
  for (const fields of [
    [own, MODEL, FILE],
    [MODEL, own, own, FILE],
    [own, MODEL, FILE, own],
  ])
    assert.deepEqual(sent(call(...fields)), expected);
});

const pipe = (type: string) =>
  transcriptions.verbatim(call(FILE, MODEL), endpointOf('openai'), type, { client: 'a', upstream: 'b' });

for (const [type, body] of [
  ['text/plain; charset=utf-8', 'Grüße {'],
  ['application/x-subrip', '1\n00:00'],
  ['application/json', ' {"text":"Grüße","model":"b"}\n'],
  ['application/json; charset=utf-8', '"a text"'],
  ['text/event-stream', 'data: {"type":"transcript.text.delta","delta":"é"}\n\n'],
] as const) {
  test(`2.9 ${type} comes as it is`, () => {
    assert.deepEqual(
      feedEveryWay(() => pipe(type), body),
      { text: bytesOf(body), error: undefined },
    );
  });
}

test('2.9 a stream flows as it comes, and one that breaks off is cut', () => {
  const stream = pipe('text/event-stream');
  assert.equal(stream.streaming, true);
  assert.equal(stream.push(Buffer.from('data')).toString(), 'data');
  assert.equal(stream.fail('lost'), undefined);
});

for (const [usage, expected] of [
  ['{"type":"tokens","input_tokens":14,"output_tokens":45}', { promptTokens: 14, completionTokens: 45 }],
  ['{"output_tokens":45}', { promptTokens: 0, completionTokens: 45 }],
  ['{"type":"duration","seconds":3}', undefined],
  ['null', undefined],
] as const) {
  test(`2.9 usage ${usage} counts`, () => {
    const counting = pipe('application/json');
    feed(counting, [Buffer.from(`{"text":"x","usage":${usage}}`)]);
    assert.deepEqual(counting.usage, expected);
  });
}

test('2.9 JSON that is cut off is a failure that another endpoint can make up for', () => {
  const { error, text } = feed(pipe('application/json'), [Buffer.from('{"text":"x"')]);
  assert.ok(error instanceof EndpointFailure && error.reason === 'broken' && text === '');
});
