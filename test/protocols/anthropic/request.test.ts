import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AskPart } from '../../../src/domain/ask.ts';
import { messages } from '../../../src/protocols/anthropic/operations.ts';
import { ENDPOINT_CODECS } from '../../../src/protocols/endpoint-codecs.ts';
import { completeModel } from '../../../src/simulator/model.ts';
import { checkChat } from '../../../src/simulator/openai/strict-check.ts';
import { checkMessages } from '../../../src/simulator/openai/strict-messages.ts';
import { askOf } from './message-calls.ts';
import { refuses } from './refusing.ts';

test('2.8 numbers are asked for as they were written', () => {
  const numbers = '"max_tokens":9007199254740993,"temperature":1.0,"top_p":0.90,"top_k":40';
  const { sampling } = askOf(`{"model":"m","messages":[{"role":"user","content":"q"}],${numbers}}`);
  assert.deepEqual(sampling, { maxTokens: '9007199254740993', temperature: '1.0', topP: '0.90', topK: '40' });
});

test('2.8 stop sequences are stop texts, none of them is none', () => {
  assert.deepEqual(askOf({ stop_sequences: ['a', 'b\n'] }).sampling, { maxTokens: '9', stop: ['a', 'b\n'] });
  for (const stop_sequences of [[], null, undefined])
    assert.deepEqual(askOf({ stop_sequences }).sampling, { maxTokens: '9' });
});

test('2.8 the ask is a chat that streams where the client does', () => {
  const { kind, streaming, tools, think, format, dropped } = askOf({ stream: true });
  assert.deepEqual(
    [kind, streaming, tools, think, format, dropped],
    ['chat', true, undefined, undefined, undefined, []],
  );
  assert.equal(askOf({}).streaming, false);
});

test('2.8 what changes no answer is dropped by its name', () => {
  const inert = {
    metadata: { user_id: 'u' },
    service_tier: 'auto',
    cache_control: { type: 'ephemeral' },
    context_management: { edits: [] },
    speed: 'fast',
    user_profile_id: 'p',
    betas: ['b'],
    anthropic_beta: ['b'],
    anthropic_version: 'v',
  };
  assert.deepEqual(askOf(inert).dropped, Object.keys(inert));
  assert.deepEqual(askOf(Object.fromEntries(Object.keys(inert).map((key) => [key, null]))).dropped, []);
});

test("2.8 the router's own field is neither told of nor refused", () => {
  assert.deepEqual(askOf({ nomyo: { a: 1 } }).dropped, []);
});

test('2.8 a field that no table covers is refused by its name, null and an empty list of it are not', () => {
  for (const key of ['container', 'mcp_servers', 'inference_geo', 'n', 'Metadata']) {
    for (const value of ['x', 0, false, [0], {}]) refuses('unsupported', key, () => askOf({ [key]: value }));
    for (const value of [null, []]) assert.deepEqual(askOf({ [key]: value }).dropped, []);
  }
});

test('2.8 each name is told once', () => {
  const block = { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } };
  const { dropped } = askOf({ system: [block, block], messages: [{ role: 'user', content: [block, block] }] });
  assert.deepEqual(dropped, ['system.cache_control', 'messages.cache_control']);
});

test('2.8 parts of an ask have the names that the client knows', () => {
  const { translation } = messages;
  if (translation?.kind !== 'answer') throw new Error('never translated');
  const parts: AskPart[] = ['maxTokens', 'temperature', 'topP', 'topK', 'stop', 'think', 'reasoning', 'toolChoice'];
  assert.deepEqual(
    [...parts, 'parallelTools' as const].map((part) => translation.nameOf(part)),
    [
      ...['max_tokens', 'temperature', 'top_p', 'top_k', 'stop_sequences', 'thinking', 'messages.thinking'],
      ...['tool_choice', 'tool_choice.disable_parallel_tool_use'],
    ],
  );
});

const png = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };
const userBlock = fc.constantFrom<object>(
  { type: 'text', text: 'é' },
  { type: 'text', text: '' },
  png,
  { type: 'image', source: { type: 'url', url: 'https://x/y.png' } },
  { type: 'document', title: 't', source: { type: 'text', media_type: 'text/plain', data: 'd' } },
);
const thoughts = fc.constantFrom<object>(
  { type: 'text', text: 'a' },
  { type: 'thinking', thinking: 't', signature: 's' },
  { type: 'redacted_thinking', data: 'x' },
);
const result = fc.constantFrom<unknown>('r', '', undefined, [{ type: 'text', text: 'r' }, png], [png]);
/** A conversation in which each call is answered, as the protocol demands. */
const turns = fc.array(
  fc.tuple(
    fc.array(userBlock, { minLength: 1, maxLength: 3 }),
    fc.array(thoughts, { maxLength: 3 }),
    fc.array(fc.tuple(result, fc.boolean()), { maxLength: 3 }),
  ),
  { minLength: 1, maxLength: 4 },
);
const conversation = turns.map((all) => {
  let answers: object[] = [];
  const given = all.flatMap(([user, assistant, calls], turn) => {
    const ids = calls.map((_, call) => `c${turn}-${call}`);
    const uses = ids.map((id) => ({ type: 'tool_use', id, name: 'f', input: { a: [1] } }));
    const two = [
      { role: 'user', content: [...user, ...answers] },
      { role: 'assistant', content: [...assistant, ...uses] },
    ];
    answers = calls.map(([content, is_error], call) => ({
      type: 'tool_result',
      tool_use_id: ids[call],
      content,
      is_error,
    }));
    return two;
  });
  return [...given, { role: 'user', content: [{ type: 'text', text: 'last' }, ...answers] }];
});
const tool = { name: 'f', description: 'd', input_schema: { type: 'object' }, cache_control: { type: 'ephemeral' } };
const body = fc.record(
  {
    messages: conversation,
    stream: fc.boolean(),
    system: fc.constantFrom<unknown>('s', '', [{ type: 'text', text: 's' }]),
    temperature: fc.constantFrom(0, 0.5, 1),
    top_k: fc.nat(99),
    stop_sequences: fc.array(fc.string(), { maxLength: 6 }),
    tools: fc.constantFrom([tool], [tool, { ...tool, name: 'g', type: 'custom' }]),
    tool_choice: fc.constantFrom<object>({ type: 'auto', disable_parallel_tool_use: true }, { type: 'none' }),
    thinking: fc.constantFrom({ type: 'enabled', budget_tokens: 1024 }, { type: 'disabled' }, { type: 'adaptive' }),
    output_config: fc.constantFrom({ effort: 'max' }, { format: { type: 'json_schema', schema: { type: 'object' } } }),
    metadata: fc.constant({ user_id: 'u' }),
  },
  { requiredKeys: ['messages', 'tools'] },
);

test('2.8, 2.11 whatever a client may send, a strict endpoint is sent what it accepts', () => {
  const { encode } = ENDPOINT_CODECS.openai;
  const model = completeModel({ name: 'up', capabilities: ['completion', 'tools', 'vision'] }, 'openai');
  fc.assert(
    fc.property(body, (given) => {
      const sent = JSON.parse(encode(askOf(given), 'up').body);
      checkChat(sent);
      checkMessages(sent.messages, model);
    }),
    { numRuns: 300 },
  );
});
