import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asArray, asObject, asString } from '../../../src/domain/json.ts';
import { chatCall, KINDS, messagesTo, sent } from '../ollama/request-calls.ts';

const base64 = (bytes: string) => Buffer.from(bytes, 'latin1').toString('base64');
const PNG = base64('\x89PNG\r\n\x1a\n rest');

test('4.2 content stays a string, the empty one too, and an absent one becomes empty', () => {
  for (const kind of KINDS) {
    const messages = messagesTo(kind, [
      { role: 'User', content: 'hé\n"' },
      { role: 'user', content: '' },
      { role: 'user' },
    ]);
    assert.deepEqual(messages, [
      { role: 'user', content: 'hé\n"' },
      { role: 'user', content: '' },
      { role: 'user', content: '' },
    ]);
  }
});

test('4.2 an assistant that called tools and said nothing has content null for O, "" for the others', () => {
  const calling = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: {} } }] };
  assert.deepEqual(
    KINDS.map((kind) => messagesTo(kind, [calling])[0]?.['content']),
    ['', '', null],
  );
  for (const kind of KINDS) assert.equal(messagesTo(kind, [{ ...calling, content: 'so' }])[0]?.['content'], 'so');
});

test('4.2 images come behind the text, which is left out only if it is empty', () => {
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };
  for (const kind of KINDS) {
    const [both, alone] = messagesTo(kind, [
      { role: 'user', content: 'what?', images: [PNG, PNG] },
      { role: 'user', content: '', images: [PNG] },
    ]);
    assert.deepEqual(both?.['content'], [{ type: 'text', text: 'what?' }, image, image]);
    assert.deepEqual(alone?.['content'], [image]);
  }
});

for (const [first, type] of [
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff\xe0', 'image/jpeg'],
  ['GIF89a', 'image/gif'],
  ['RIFF\x01\x02\x03\x04WEBPVP8 ', 'image/webp'],
  ['whatever', 'image/jpeg'],
  ['', 'image/jpeg'],
  ['RIFF\x01\x02\x03\x04AVI ', 'image/jpeg'],
  ['RIFF\x01\x02\x03\x04WAVEfmt ', 'wav'],
  ['ID3\x04', 'mp3'],
  ['\xff\xe3\x18', 'mp3'],
  ['\xff\xfb\x90', 'mp3'],
] as const) {
  test(`4.2 bytes that begin ${JSON.stringify(first)} are ${type}`, () => {
    const data = base64(first);
    const [message] = messagesTo('openai', [{ role: 'user', content: '', images: [data] }]);
    const medium = type.startsWith('image/')
      ? { type: 'image_url', image_url: { url: `data:${type};base64,${data}` } }
      : { type: 'input_audio', input_audio: { data, format: type } };
    assert.deepEqual(message?.['content'], [medium]);
  });
}

test('4.2 thinking is reasoning_content for L, both spellings for V, nothing for O', () => {
  const [l, v, o] = KINDS.map((kind) => messagesTo(kind, [{ role: 'assistant', content: 'a', thinking: 't' }])[0]);
  assert.deepEqual(l, { role: 'assistant', content: 'a', reasoning_content: 't' });
  assert.deepEqual(v, { role: 'assistant', content: 'a', reasoning_content: 't', reasoning: 't' });
  assert.deepEqual(o, { role: 'assistant', content: 'a' });
});

test('4.2 arguments become a string that keeps key order and number text; one that is a string is passed as it is', () => {
  const given = '{"z": 1.0, "2": 9007199254740993, "a": [1e-7]}';
  const call = `{"function":{"index":7,"name":"f","arguments":${given}}}`;
  const text = `{"function":{"name":"g","arguments":${JSON.stringify('{"b": 2}')}}}`;
  const body = `{"model":"m","messages":[{"role":"assistant","tool_calls":[${call},${text},{"function":{"name":"h"}}]}]}`;
  for (const kind of KINDS) {
    const messages = JSON.parse(sent(chatCall(body), kind)).messages;
    const calls: { type: string; function: object; index?: number }[] = messages[0].tool_calls;
    assert.deepEqual(
      calls.map((called) => called.function),
      [
        { name: 'f', arguments: given },
        { name: 'g', arguments: '{"b": 2}' },
        { name: 'h', arguments: '{}' },
      ],
    );
    assert.ok(calls.every((called) => called.type === 'function' && called.index === undefined));
  }
});

test('4.2 a call without an id gets one of its own', () => {
  const called = [
    { function: { name: 'f', arguments: {} } },
    { id: '', function: { name: 'f', arguments: {} } },
    { id: 'x' },
  ];
  const [message] = messagesTo('openai', [{ role: 'assistant', content: '', tool_calls: called }]);
  const ids = asArray(message?.['tool_calls']).map((called) => asString(asObject(called)?.['id']));
  assert.match(ids[0] ?? '', /^call_[a-z0-9]{24}$/);
  assert.match(ids[1] ?? '', /^call_[a-z0-9]{24}$/);
  assert.notEqual(ids[0], ids[1]);
  assert.equal(ids[2], 'x');
});

const calls = (...pairs: readonly (readonly [string, string])[]) => ({
  role: 'assistant',
  tool_calls: pairs.map(([id, name]) => ({ id, function: { name, arguments: {} } })),
});
const resultIds = (...messages: readonly object[]) =>
  messagesTo('llama-server', messages)
    .filter((message) => message['role'] === 'tool')
    .map((message) => message['tool_call_id']);

test('4.2 results of two calls of one tool go to one call each', () => {
  const result = { role: 'tool', tool_name: 'f', content: 'r' };
  assert.deepEqual(resultIds(calls(['1', 'f'], ['2', 'f']), result, result), ['1', '2']);
});

test('4.2 a result goes to the call it names, else to the first unanswered one of its tool, else to the first', () => {
  const turn = calls(['1', 'f'], ['2', 'g'], ['3', 'g']);
  const named = (name: string) => ({ role: 'tool', tool_name: name, content: '' });
  assert.deepEqual(resultIds(turn, named('g'), named('f'), named('g')), ['2', '1', '3']);
  assert.deepEqual(resultIds(turn, { role: 'tool', content: '' }, named('unknown')), ['1', '2']);
  assert.deepEqual(resultIds(turn, { role: 'tool', tool_call_id: '1', content: '' }, { role: 'tool', content: '' }), [
    '1',
    '2',
  ]);
  assert.deepEqual(resultIds(turn, { role: 'tool', tool_call_id: 'other', content: '' }), ['other']);
});

test('4.2 a result belongs to the turn before it, not to an older call that was never answered', () => {
  const result = { role: 'tool', content: '' };
  assert.deepEqual(resultIds(calls(['1', 'f']), calls(['2', 'f']), result), ['2']);
});

test('4.2 a result with no call to answer still has an id', () => {
  const [id] = resultIds({ role: 'tool', content: '', tool_call_id: '' });
  assert.match(String(id), /^call_[a-z0-9]{24}$/);
});

test('4.2 each id is used once, whatever the tools and their results', () => {
  const name = fc.constantFrom('f', 'g', 'h');
  fc.assert(
    fc.property(fc.array(name, { minLength: 1 }), fc.array(fc.option(name, { nil: undefined })), (called, answered) => {
      const turn = calls(...called.map((tool, i) => [`id-${i}`, tool] as const));
      const results = answered.slice(0, called.length).map((tool_name) => ({ role: 'tool', content: '', tool_name }));
      const ids = resultIds(turn, ...results);
      assert.equal(new Set(ids).size, ids.length);
      assert.ok(ids.every((id) => /^id-\d+$/.test(String(id))));
    }),
  );
});

test('4.2 L and V are told the name of the tool, O is not', () => {
  const messages = [calls(['1', 'f']), { role: 'tool', tool_name: 'f', content: 'r' }];
  assert.deepEqual(
    KINDS.map((kind) => messagesTo(kind, messages)[1]),
    [
      { role: 'tool', tool_call_id: '1', content: 'r', name: 'f' },
      { role: 'tool', tool_call_id: '1', content: 'r', name: 'f' },
      { role: 'tool', tool_call_id: '1', content: 'r' },
    ],
  );
});
