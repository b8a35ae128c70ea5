import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnswerEvent } from '../../../src/domain/answer.ts';
import { asArray, asObject, type JsonObject } from '../../../src/domain/json.ts';
import { Refusal } from '../../../src/errors.ts';
import { MessagesEncoder } from '../../../src/protocols/anthropic/answer-encoder.ts';
import { RecordDecoder } from '../../../src/protocols/openai/answer-decoder.ts';
import { TranslatedPipe } from '../../../src/protocols/translated-pipe.ts';
import { feedEveryWay } from '../feeding.ts';
import { DONE, RECORDS, sse, TOOL_RECORDS } from '../streams.ts';
import { eventsOf, masked, readMessage } from './message-reader.ts';

/** The texts that a stream is sent in: one per batch, and the last. */
function texts(batches: readonly (readonly AnswerEvent[])[]): string[] {
  const encoder = new MessagesEncoder('Client:Name', true);
  return [...batches.map((events) => encoder.push(events)), encoder.end()];
}

function streamed(events: readonly AnswerEvent[]): JsonObject {
  return masked(readMessage(texts(events.map((event) => [event])).join('')));
}

function whole(events: readonly AnswerEvent[]): JsonObject {
  const encoder = new MessagesEncoder('Client:Name', false);
  for (const event of events) assert.equal(encoder.push([event]), '');
  return masked(JSON.parse(encoder.end()));
}

const say = (text: string): AnswerEvent => ({ type: 'text-delta', text });
const think = (text: string): AnswerEvent => ({ type: 'reasoning-delta', text });
const call = (index: number, id: string | undefined, name: string | undefined, json: string): AnswerEvent => ({
  type: 'tool-call-delta',
  index,
  id,
  name,
  arguments: json,
});
const more = (index: number, json: string) => call(index, undefined, undefined, json);
const finish = (reason: 'stop' | 'length' | 'tool-calls'): AnswerEvent => ({ type: 'finish', reason });
const usage = (promptTokens: number, completionTokens: number): AnswerEvent => ({
  type: 'usage',
  usage: { promptTokens, completionTokens },
});
const thought = (thinking: string) => ({ type: 'thinking', thinking, signature: '' });
const words = (text: string) => ({ type: 'text', text });
const use = (id: string, name: string, input: object) => ({ type: 'tool_use', id, name, input });

const MESSAGE = { id: 'msg_new', type: 'message', role: 'assistant', model: 'Client:Name', stop_sequence: null };

/** Asserts the message that these events make, streamed and whole. */
function makes(events: readonly AnswerEvent[], content: readonly object[], rest: object): void {
  const expected = { ...MESSAGE, content, usage: { input_tokens: 0, output_tokens: 0 }, ...rest };
  assert.deepEqual(streamed(events), expected);
  assert.deepEqual(whole(events), expected);
}

test('2.8 thoughts, text and calls are blocks in their order', () => {
  const events = [
    ...[think('t'), think('é'), say('a'), say('b"\n'), call(0, 'x', 'f', '{"a":'), more(0, '1}')],
    ...[usage(3, 4), finish('tool-calls')],
  ];
  const content = [thought('té'), words('ab"\n'), use('x', 'f', { a: 1 })];
  makes(events, content, { stop_reason: 'tool_use', usage: { input_tokens: 3, output_tokens: 4 } });
});

test('2.8 an answer without any content has none', () => {
  makes([finish('stop')], [], { stop_reason: 'end_turn' });
  makes([say(''), think(''), finish('stop')], [], { stop_reason: 'end_turn' });
  makes([], [], { stop_reason: 'end_turn' });
});

for (const [reason, calls, stop_reason] of [
  ['stop', false, 'end_turn'],
  ['stop', true, 'tool_use'],
  ['length', false, 'max_tokens'],
  ['length', true, 'max_tokens'],
  ['tool-calls', true, 'tool_use'],
  ['tool-calls', false, 'end_turn'],
] as const)
  test(`2.8 ${reason} ${calls ? 'with' : 'without'} calls is ${stop_reason}`, () => {
    const said = calls ? [call(0, 'x', 'f', '{}')] : [say('a')];
    makes([...said, finish(reason)], calls ? [use('x', 'f', {})] : [words('a')], { stop_reason });
  });

test('2.8 the events of a stream are those of the protocol, to the letter', () => {
  const sent = texts([[think('t')], [say('a')], [call(0, 'x', 'f', '')], [usage(3, 4), finish('tool-calls')]]);
  const id = /"id":"(msg_[a-z0-9]{24})"/.exec(sent[0] ?? '')?.[1];
  const event = (type: string, rest: string) => `event: ${type}\ndata: {"type":"${type}"${rest}}\n\n`;
  const block = (index: number, json: string) =>
    event('content_block_start', `,"index":${index},"content_block":${json}`);
  const delta = (index: number, type: string, rest: string) =>
    event('content_block_delta', `,"index":${index},"delta":{"type":"${type}",${rest}}`);
  const stop = (index: number) => event('content_block_stop', `,"index":${index}`);
  const start = `,"message":{"id":"${id}","type":"message","role":"assistant","model":"Client:Name","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}`;
  assert.deepEqual(sent, [
    event('message_start', start) +
      block(0, '{"type":"thinking","thinking":"","signature":""}') +
      delta(0, 'thinking_delta', '"thinking":"t"'),
    delta(0, 'signature_delta', '"signature":""') +
      stop(0) +
      block(1, '{"type":"text","text":""}') +
      delta(1, 'text_delta', '"text":"a"'),
    stop(1) + block(2, '{"type":"tool_use","id":"x","name":"f","input":{}}'),
    '',
    delta(2, 'input_json_delta', '"partial_json":"{}"') +
      stop(2) +
      event(
        'message_delta',
        ',"delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":3,"output_tokens":4}',
      ) +
      event('message_stop', ''),
  ]);
});

test('2.8 tokens that are known by then stand in the start', () => {
  const [start] = eventsOf(texts([[usage(3, 1), say('a')]]).join(''));
  assert.deepEqual(asObject(start?.['message'])?.['usage'], { input_tokens: 3, output_tokens: 1 });
});

test('2.8 nothing is sent before there is something to say', () => {
  assert.deepEqual(texts([[], [usage(1, 0)], [say('')]]).slice(0, -1), ['', '', '']);
});

test('2.8 the fragments of a call are sent as they come', () => {
  const sent = texts([[call(0, 'x', 'f', '{"a"')], [more(0, ':')], [more(0, '1} ')], [finish('tool-calls')]]);
  const fragments = sent.map((text) => eventsOf(text).flatMap(({ delta }) => asObject(delta)?.['partial_json'] ?? []));
  assert.deepEqual(fragments, [['{"a"'], [':'], ['1} '], [], []]);
});

test('2.8 a call follows the one before it at once where that is whole', () => {
  const sent = texts([[call(0, 'x', 'f', '{"a":{}}')], [call(1, 'y', 'g', '{')], [more(1, '}')]]);
  const types = sent.map((text) => eventsOf(text).map(({ type, index }) => `${type} ${index}`));
  assert.deepEqual(types[1], ['content_block_stop 0', 'content_block_start 1', 'content_block_delta 1']);
  assert.deepEqual(types[2], ['content_block_delta 1']);
});

test('2.8 calls whose fragments come mixed are blocks one after the other', () => {
  const events = [
    ...[call(0, 'x', 'f', ''), call(2, 'z', 'h', '{"c"'), more(0, '{"a":"}"'), call(1, 'y', 'g', '{}')],
    ...[say('text between'), more(2, ':3}'), more(0, ',"b":2}'), finish('tool-calls')],
  ];
  const content = [use('x', 'f', { a: '}', b: 2 }), use('z', 'h', { c: 3 }), use('y', 'g', {}), words('text between')];
  makes(events, content, { stop_reason: 'tool_use' });
});

test('2.8 a call waits for its name, and gets an id where it has none', () => {
  const events = [more(0, '{'), call(0, undefined, 'f', '}'), finish('tool-calls')];
  assert.equal(texts([[events[0] ?? say('')]])[0], '');
  makes(events, [use('toolu_new', 'f', {})], { stop_reason: 'tool_use' });
});

test('2.8 no arguments are an empty object', () => {
  for (const json of ['', ' ', '\n'])
    makes([call(0, 'x', 'f', json), call(1, 'y', 'g', json)], [use('x', 'f', {}), use('y', 'g', {})], {
      stop_reason: 'tool_use',
    });
});

test('2.8 the input of a whole answer keeps key order and number text', () => {
  const json = '{"z": 1.0,\n "2": 9007199254740993}';
  const encoder = new MessagesEncoder('m', false);
  encoder.push([call(0, 'x', 'f', json)]);
  assert.ok(encoder.end().includes(`"input":${json}}`));
});

for (const json of ['{"a":', '[1]', 'null', '"x"', '{"a":1}{"b":2}'])
  test(`2.8 arguments ${json} refuse a whole answer`, () => {
    const encoder = new MessagesEncoder('m', false);
    encoder.push([call(0, 'x', 'f', json)]);
    assert.throws(() => encoder.end(), isInvalid);
  });

const isInvalid = (error: unknown) =>
  error instanceof Refusal && error.status === 502 && error.message === 'invalid tool call arguments for "f"';

test('2.8 a call that goes on after it was whole, and another one began, breaks the stream', () => {
  const encoder = new MessagesEncoder('m', true);
  encoder.push([call(0, 'x', 'f', '{}'), call(1, 'y', 'g', '{}')]);
  encoder.push([more(0, ' ')]);
  encoder.push([more(0, '{}')]);
  assert.throws(() => encoder.end(), isInvalid);
});

test('2.8 an error ends a stream as an event and a whole answer as a refusal', () => {
  const error: AnswerEvent = { type: 'error', message: 'out of "memory"' };
  const event = 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"out of \\"memory\\""}}\n\n';
  assert.equal(new MessagesEncoder('m', true).push([error]), event);
  const sent = new MessagesEncoder('m', true).push([say('a'), error]);
  assert.ok(sent.startsWith('event: message_start') && sent.endsWith(event));
  assert.equal(new MessagesEncoder('m', true).fail('out of "memory"'), event);
  assert.throws(
    () => new MessagesEncoder('m', false).push([error]),
    (thrown) => thrown instanceof Refusal && thrown.status === 500,
  );
  assert.equal(new MessagesEncoder('m', false).fail('x'), '');
});

test('2.8 the content types are those of events and of JSON', () => {
  assert.equal(new MessagesEncoder('m', true).contentType, 'text/event-stream');
  assert.equal(new MessagesEncoder('m', false).contentType, 'application/json; charset=utf-8');
});

test('2.8 one id names a message, and no other one', () => {
  const id = (encoder: MessagesEncoder) => /msg_[a-z0-9]{24}/.exec(encoder.push([say('a')]) + encoder.end())?.[0];
  assert.notEqual(id(new MessagesEncoder('m', true)), id(new MessagesEncoder('m', true)));
});

/** A stream of OpenAI's as Anthropic's clients read it, the same for every cut. */
function translated(stream: string): JsonObject {
  const pipe = () => new TranslatedPipe(new RecordDecoder(0), new MessagesEncoder('m', true), 'text/event-stream');
  const mask = (text: string) => text.replace(/msg_[a-z0-9]{24}/, 'msg_new');
  const { text, error } = feedEveryWay(pipe, stream, 'end', mask);
  assert.equal(error, undefined);
  return readMessage(Buffer.from(text, 'latin1').toString());
}

test('2.8 a stream is translated the same for every cut', () => {
  const { content, stop_reason, usage: tokens } = translated(sse(RECORDS) + DONE);
  assert.deepEqual(content, [thought('hm ☕hm é'), words('Grüße, "world" 😀!\n\n')]);
  assert.deepEqual([stop_reason, tokens], ['end_turn', { input_tokens: 3, output_tokens: 5 }]);
});

test('2.8 a stream of calls is translated the same for every cut', () => {
  const { content, stop_reason } = translated(sse(TOOL_RECORDS) + DONE);
  assert.deepEqual([content, stop_reason], [[use('a', 'f', { city: 'Köln' }), use('b', 'g', {})], 'tool_use']);
});

test('R20 a stream that breaks ends with an error and no message_stop', () => {
  const pipe = () => new TranslatedPipe(new RecordDecoder(0), new MessagesEncoder('m', true), 'text/event-stream');
  const mask = (text: string) => text.replace(/msg_[a-z0-9]{24}/, 'msg_new');
  const { text } = feedEveryWay(pipe, sse(RECORDS.slice(0, 4)), 'break', mask);
  assert.match(text, /event: error\ndata: \{"type":"error","error":\{"type":"api_error","message":"[^"]+"\}\}\n\n$/);
  assert.ok(!text.includes('message_stop'));
});

/** An answer with calls whose fragments are mixed at random, and what it says. */
const answer = fc
  .record({
    before: fc.array(fc.tuple(fc.boolean(), fc.string()), { maxLength: 5 }),
    calls: fc.array(fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(40)), { maxLength: 4 }),
    order: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
  })
  .map(({ before, calls, order }) => {
    const queues = calls.map(([input, cut], index) => {
      const json = JSON.stringify(input);
      return [call(index, `c${index}`, 'f', json.slice(0, cut)), more(index, json.slice(cut)), more(index, '')];
    });
    const mixed = order.flatMap((draw) => {
      const open = queues.filter(({ length }) => length > 0);
      return open.length === 0 ? [] : (open[draw % open.length]?.splice(0, 1) ?? []);
    });
    const events = [...before.map(([isThought, text]) => (isThought ? think(text) : say(text))), ...mixed];
    return { events, inputs: calls.map(([input]) => JSON.parse(JSON.stringify(input))) };
  });

test('2.8 a stream says what the whole answer says, whatever the order of its fragments', () => {
  fc.assert(
    fc.property(answer, ({ events, inputs }) => {
      const message = streamed(events);
      assert.deepEqual(message, whole(events));
      const uses = asArray(message['content']).flatMap((block) => {
        const { type, id, input } = asObject(block) ?? {};
        return type === 'tool_use' ? [[id, input] as const] : [];
      });
      assert.deepEqual(Object.fromEntries(uses), Object.fromEntries(inputs.map((input, at) => [`c${at}`, input])));
    }),
    { numRuns: 300 },
  );
});
