import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { Refusal } from '../../../src/errors.ts';
import { NativeDecoder } from '../../../src/protocols/ollama/answer-decoder.ts';
import { CompletionEncoder } from '../../../src/protocols/openai/completion-encoder.ts';
import { TranslatedPipe } from '../../../src/protocols/translated-pipe.ts';
import { feedEveryWay } from '../feeding.ts';

const say = (text: string): AnswerEvent => ({ type: 'text-delta', text });
const think = (text: string): AnswerEvent => ({ type: 'reasoning-delta', text });
const finish: AnswerEvent = { type: 'finish', reason: 'length' };
const usage: AnswerEvent = { type: 'usage', usage: { promptTokens: 3, completionTokens: 5 } };
const logprob = (token: string, more = ''): AnswerEvent => ({
  type: 'logprobs',
  json: `{"token":${JSON.stringify(token)},"logprob":-1${more}}`,
});

function records(batches: readonly (readonly AnswerEvent[])[], wantsUsage = false): JsonObject[] {
  const encoder = new CompletionEncoder('Client:Name', true, wantsUsage);
  const text = batches.map((events) => encoder.push(events)).join('') + encoder.end();
  const events = text.split('\n\n');
  assert.deepEqual(events.slice(-2), ['data: [DONE]', '']);
  return events.slice(0, -2).map((event) => JSON.parse(event.replace(/^data: /, '')));
}

function whole(events: readonly AnswerEvent[]): JsonObject {
  const encoder = new CompletionEncoder('Client:Name', false, false);
  assert.equal(encoder.push(events), '');
  return JSON.parse(encoder.end());
}

const choice = (text: string, reason: string | null = null, logprobs: object | null = null) => [
  { text, index: 0, logprobs, finish_reason: reason },
];

test('4.7 a stream: text, why it stopped, and usage where it was asked for', () => {
  const all = records([[say('a')], [], [say('b'), say('c')], [usage, finish]], true);
  assert.deepEqual(
    all.map(({ choices }) => choices),
    [choice('a'), choice('bc'), choice('', 'length'), []],
  );
  assert.deepEqual(all.at(-1)?.['usage'], { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 });
  const { id, created, choices, ...rest } = all[0] ?? {};
  assert.match(String(id), /^cmpl-[a-z0-9]{24}$/);
  assert.ok(Number.isInteger(created) && choices);
  assert.deepEqual(rest, { object: 'text_completion', model: 'Client:Name', system_fingerprint: 'fp_ollama' });
  assert.equal(records([[say('a'), usage, finish]]).length, 2, 'and none where it was not');
});

test('4.7 a whole answer is one object', () => {
  const { choices, usage: counts, object } = whole([say('a'), say('b'), usage]);
  assert.deepEqual([choices, object], [choice('ab', 'stop'), 'text_completion']);
  assert.deepEqual(counts, { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 });
});

test('4.7 reasoning has no place, nor have its log probabilities', () => {
  assert.deepEqual(
    records([[think('t'), logprob('t')], [say('a'), logprob('a')], [think('u')]]).map(({ choices }) => choices),
    [
      choice('a', null, { tokens: ['a'], token_logprobs: [-1], top_logprobs: [null], text_offset: [0] }),
      choice('', 'stop'),
    ],
  );
});

test('2.3 log probabilities stand in columns, offsets count characters over the whole stream', () => {
  const top = ',"top_logprobs":[{"token":"a","logprob":-1},{"token":"b","logprob":-2}]';
  const batches = [
    [say('😀a'), logprob('😀'), logprob('a', top)],
    [say('b'), logprob('b')],
  ];
  const first = {
    tokens: ['😀', 'a'],
    token_logprobs: [-1, -1],
    top_logprobs: [null, { a: -1, b: -2 }],
    text_offset: [0, 1],
  };
  const second = { tokens: ['b'], token_logprobs: [-1], top_logprobs: [null], text_offset: [2] };
  assert.deepEqual(
    records(batches).map(({ choices }) => choices),
    [choice('😀a', null, first), choice('b', null, second), choice('', 'stop')],
  );
  const all = {
    tokens: ['😀', 'a', 'b'],
    token_logprobs: [-1, -1, -1],
    top_logprobs: [null, { a: -1, b: -2 }, null],
    text_offset: [0, 1, 2],
  };
  assert.deepEqual(whole(batches.flat())['choices'], choice('😀ab', 'stop', all));
});

test('4.6 an error ends a stream without [DONE], and a whole answer is a refusal instead', () => {
  const sent = new CompletionEncoder('m', true, false).push([say('a'), { type: 'error', message: 'boom' }]);
  assert.match(sent, /"text":"a".*\n\ndata: \{"error":\{"message":"boom",.*\}\}\n\n$/);
  const encoder = new CompletionEncoder('m', false, false);
  assert.equal(encoder.fail('lost'), '');
  assert.throws(() => encoder.push([{ type: 'error', message: 'boom' }]), Refusal);
});

test('4.7 what /api/generate streams comes out the same for every cut', () => {
  const pipe = () =>
    new TranslatedPipe(new NativeDecoder(), new CompletionEncoder('m', true, false), 'application/x-ndjson');
  const lines = '{"response":"é","done":false}\n{"response":"","done":true,"done_reason":"length","eval_count":1}\n';
  const mask = (text: string) => text.replace(/"id":"cmpl-[a-z0-9]+"|"created":\d+/g, '');
  const sent = feedEveryWay(pipe, lines, 'end', mask);
  assert.match(sent.text, /"finish_reason":"length"\}\]\}\n\ndata: \[DONE\]\n\n$/);
  const broken = feedEveryWay(pipe, lines.split('\n')[0] ?? '', 'end', mask);
  assert.ok(!broken.text.includes('[DONE]') && broken.text.includes('"error"'), broken.text);
});
