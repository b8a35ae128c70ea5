import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/domain/ask.ts';
import { askOf, messagesOf, refusalOf } from './asking.ts';

const message = (role: string, text: string, more: Partial<Message> = {}): Message => ({
  role,
  content: text === '' ? [] : [{ type: 'text', text }],
  reasoning: undefined,
  toolCalls: [],
  toolCallId: undefined,
  toolName: undefined,
  ...more,
});
const call = (id: string, name = 'f', json = '{}') => ({ type: 'function_call', call_id: id, name, arguments: json });
const output = (id: string, text: string) => ({ type: 'function_call_output', call_id: id, output: text });
const thought = (text: string) => ({ type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text }] });
const said = (role: string, content: unknown) => ({ role, content });

test('2.7 instructions come first, an input of text is what the user says', () => {
  assert.deepEqual(askOf({ instructions: 'be kind', input: 'hello' }).messages, [
    message('system', 'be kind'),
    message('user', 'hello'),
  ]);
  assert.deepEqual(askOf({ instructions: '', input: 'hello' }).messages, [message('user', 'hello')]);
});

test('2.7 a message needs no type, and a developer speaks as the system', () => {
  assert.deepEqual(
    messagesOf(said('developer', 'd'), { type: 'message', ...said('system', 's') }, said('user', 'u'), {
      ...said('assistant', [{ type: 'output_text', text: 'a', annotations: [] }]),
      id: 'msg_1',
      status: 'completed',
      phase: 'final_answer',
    }),
    [message('system', 'd'), message('system', 's'), message('user', 'u'), message('assistant', 'a')],
  );
});

test('calls that follow each other are one message, together with the text and the reasoning before them', () => {
  const items = [thought('hm'), said('assistant', 'let me see'), call('a'), call('b', 'g', ' {"x": 1.0} ')];
  assert.deepEqual(messagesOf(said('user', 'u'), ...items, output('b', 'B'), output('a', 'A')), [
    message('user', 'u'),
    message('assistant', 'let me see', {
      reasoning: 'hm',
      toolCalls: [
        { id: 'a', name: 'f', arguments: '{}' },
        { id: 'b', name: 'g', arguments: ' {"x": 1.0} ' },
      ],
    }),
    message('tool', 'B', { toolCallId: 'b', toolName: 'g' }),
    message('tool', 'A', { toolCallId: 'a', toolName: 'f' }),
  ]);
});

test('nothing stands between calls and their results: what the assistant says there joins the calls', () => {
  const [turn, result, next] = messagesOf(
    call('a'),
    thought('hm'),
    said('assistant', 'x'),
    call('b'),
    output('a', 'A'),
  );
  assert.deepEqual([turn?.toolCalls.length, turn?.reasoning, turn?.content], [2, 'hm', [{ type: 'text', text: 'x' }]]);
  assert.deepEqual([result?.role, next], ['tool', undefined]);
});

test('two messages of the assistant stay two, each with its own reasoning', () => {
  const found = messagesOf(thought('1'), said('assistant', 'a'), thought('2'), thought('3'), said('assistant', 'b'));
  assert.deepEqual(found, [
    message('assistant', 'a', { reasoning: '1' }),
    message('assistant', 'b', { reasoning: '2\n3' }),
  ]);
});

test('calls after a result are a message of their own', () => {
  const roles = messagesOf(call('a'), output('a', 'A'), call('b'), output('b', 'B')).map(({ role }) => role);
  assert.deepEqual(roles, ['assistant', 'tool', 'assistant', 'tool']);
});

test('reasoning that no message follows is told, not sent', () => {
  for (const input of [
    [said('user', 'u'), thought('hm')],
    [thought('hm'), said('user', 'u')],
    [call('a'), thought('hm'), output('a', 'A')],
  ]) {
    const { messages, dropped } = askOf({ input });
    assert.deepEqual(dropped, ['input.reasoning']);
    assert.ok(messages.every(({ reasoning, role }) => reasoning === undefined && role !== ''));
  }
});

for (const [what, item, reasoning, dropped] of [
  [
    'its text before its summary',
    { content: [{ type: 'reasoning_text', text: 'all' }], ...thought('short') },
    'all',
    [],
  ],
  ['its summary, part by part', { summary: [{ text: 'a' }, { text: 'b' }], encrypted_content: 'c' }, 'a\nb', []],
  ['2.7 what Ollama calls encrypted', { summary: [], encrypted_content: 'plain words' }, 'plain words', []],
  [
    'what OpenAI sealed',
    { encrypted_content: `gAAAA${'x'.repeat(60)}==` },
    undefined,
    ['input.reasoning.encrypted_content'],
  ],
  ['nothing at all', { summary: [] }, undefined, []],
] as const) {
  test(`reasoning is read: ${what}`, () => {
    const ask = askOf({ input: [{ ...item, type: 'reasoning' }, said('assistant', 'a')] });
    assert.deepEqual([ask.messages[0]?.reasoning, ask.dropped], [reasoning, dropped]);
  });
}

test('empty arguments are an empty object', () => {
  assert.equal(messagesOf(call('a', 'f', ' '))[0]?.toolCalls[0]?.arguments, '{}');
});

for (const [item, code, text] of [
  [{ type: 'nonsense' }, 'invalid_parameter', 'input[1]: unknown input item type: "nonsense"'],
  [{}, 'invalid_parameter', "input[1]: input item missing required 'type' field"],
  [
    { type: 'item_reference', id: 'x' },
    'unsupported',
    'input[1]: item_reference items are not supported by this backend',
  ],
  [{ type: 'web_search_call' }, 'unsupported', 'input[1]: web_search_call items are not supported by this backend'],
  [{ role: 'wizard', content: '' }, 'invalid_parameter', 'input[1]: unknown role: "wizard"'],
  [{ role: 'user' }, 'invalid_parameter', 'input[1]: content must be a string or array'],
  [{ role: 'user', content: 1 }, 'invalid_parameter', 'input[1]: content must be a string or array'],
  [call('a', 'f', '[1]'), 'invalid_parameter', 'input[1]: invalid tool call arguments'],
  [call('a', 'f', '{"x"'), 'invalid_parameter', 'input[1]: invalid tool call arguments'],
  [call('a', ''), 'invalid_parameter', 'input[1]: missing name'],
  [{ type: 'function_call_output', output: '' }, 'invalid_parameter', 'input[1]: missing call_id'],
  [{ type: 'function_call_output', call_id: 'a' }, 'invalid_parameter', 'input[1]: output must be a string or array'],
] as const) {
  test(`2.7 ${JSON.stringify(item)} is refused: ${text}`, () => {
    assert.deepEqual(refusalOf({ input: [said('user', 'u'), item] }), [code, 'input[1]', text]);
  });
}

test('an item that is no object is refused', () => {
  assert.equal(refusalOf({ input: ['x'] })[0], 'invalid_parameter');
});
