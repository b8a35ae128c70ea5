import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asObject } from '../../../src/domain/json.ts';
import { Refusal } from '../../../src/errors.ts';
import { RecordDecoder } from '../../../src/protocols/openai/answer-decoder.ts';
import { ResponsesEncoder } from '../../../src/protocols/responses/answer-encoder.ts';
import { TranslatedPipe } from '../../../src/protocols/translated-pipe.ts';
import { feed, feedEveryWay } from '../feeding.ts';
import { DONE, RECORDS, sse, TOOL_RECORDS } from '../streams.ts';
import { callOf } from './asking.ts';
import { eventsIn, outputOf } from './encoding.ts';

function pipe(contentType = 'text/event-stream', stream = true): TranslatedPipe {
  return new TranslatedPipe(new RecordDecoder(0), new ResponsesEncoder(callOf({ stream })), contentType);
}

const mask = (text: string) =>
  text.replace(/"(resp|rs|msg|fc|call)_[a-z0-9]{24}"/g, '"$1"').replace(/("\w+_at"):\d+/g, '$1:0');
const utf8 = (text: string) => Buffer.from(text, 'latin1').toString('utf8');

test('a chat becomes a response, however its reads are cut', () => {
  const { text } = feedEveryWay(pipe, sse(RECORDS) + DONE, 'end', mask);
  const last = asObject(eventsIn(utf8(text)).at(-1)?.['response']);
  const [reasoning, message] = outputOf(last);
  assert.deepEqual(reasoning?.['summary'], [{ type: 'summary_text', text: 'hm ☕hm é' }]);
  assert.deepEqual(message?.['content'], [
    { type: 'output_text', text: 'Grüße, "world" 😀!\n\n', annotations: [], logprobs: [] },
  ]);
  assert.deepEqual([last?.['status'], asObject(last?.['usage'])?.['total_tokens']], ['completed', 8]);
});

test('calls of a chat become items of their own, however the reads are cut', () => {
  const { text } = feedEveryWay(pipe, sse(TOOL_RECORDS) + DONE, 'end', mask);
  const calls = outputOf(eventsIn(utf8(text)).at(-1)?.['response']);
  assert.deepEqual(
    calls.map(({ call_id, name, arguments: json }) => [call_id, name, json]),
    [
      ['a', 'f', '{"city":"Köln"}'],
      ['b', 'g', '{}'],
    ],
  );
});

test('a chat that breaks off ends with an error, and no client takes it for complete', () => {
  for (const ending of ['end', 'break'] as const) {
    const { text } = feedEveryWay(pipe, sse(RECORDS.slice(0, 4)), ending, mask);
    const events = eventsIn(utf8(text));
    assert.equal(events.at(-1)?.['type'], 'error');
    assert.ok(events.every(({ type }) => type !== 'response.completed'));
  }
});

test('a whole chat becomes a whole response', () => {
  const message = {
    role: 'assistant',
    content: 'hi',
    tool_calls: [{ id: 'a', function: { name: 'f', arguments: '{}' } }],
  };
  const chat = {
    choices: [{ message, finish_reason: 'tool_calls' }],
    usage: { prompt_tokens: 1, completion_tokens: 2 },
  };
  const { text } = feed(pipe('application/json', false), [Buffer.from(JSON.stringify(chat))]);
  assert.deepEqual(
    outputOf(JSON.parse(text)).map(({ type }) => type),
    ['message', 'function_call'],
  );
});

test('an error in place of an answer keeps its words', () => {
  const { error } = feed(pipe(), [Buffer.from('data: {"error":{"code":400,"message":"too long"}}\n\n')]);
  assert.ok(error instanceof Refusal);
  assert.deepEqual([error.status, error.message], [400, 'too long']);
});
