import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AskPart } from '../../../src/domain/ask.ts';
import { settingName } from '../../../src/protocols/responses/settings.ts';
import { askOf, refusalOf } from './asking.ts';

test('numbers are asked for as they were written', () => {
  const { sampling } = askOf('{"model":"m","input":"x","temperature":0.70,"top_p":1e-1,"max_output_tokens":100}');
  assert.deepEqual(sampling, { maxTokens: '100', temperature: '0.70', topP: '1e-1' });
});

test('what a client leaves open stays open', () => {
  const nothing = { temperature: null, top_p: null, max_output_tokens: null, text: null, reasoning: null, tools: null };
  assert.deepEqual(askOf({ ...nothing, include: null, metadata: null, previous_response_id: null, magic: null }), {
    kind: 'chat',
    streaming: false,
    messages: askOf({}).messages,
    prompt: '',
    suffix: '',
    tools: undefined,
    toolChoice: undefined,
    parallelTools: undefined,
    format: undefined,
    think: undefined,
    sampling: {},
    topLogprobs: undefined,
    dropped: [],
  });
});

for (const [effort, think] of [
  ['none', false],
  ['minimal', 'minimal'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'xhigh'],
  ['max', 'max'],
  ['ultra', 'max'],
  ['', undefined],
] as const) {
  test(`2.2 reasoning.effort ${JSON.stringify(effort)} is understood`, () => {
    assert.equal(askOf({ reasoning: { effort, summary: 'auto' } }).think, think);
  });
}

for (const [format, found] of [
  [{ type: 'text' }, undefined],
  [{ type: 'json_object' }, { kind: 'json' }],
  [
    { type: 'json_schema', name: 'n', schema: { a: 1 }, strict: true, description: 'd' },
    { kind: 'schema', schema: '{"a":1}', name: 'n', description: 'd', strict: true },
  ],
  [
    { type: 'json_schema', schema: {} },
    { kind: 'schema', schema: '{}', name: undefined, description: undefined, strict: undefined },
  ],
] as const) {
  test(`2.7 text.format ${JSON.stringify(format)} is understood`, () => {
    assert.deepEqual(askOf({ text: { format } }).format, found);
  });
}

for (const [fields, topLogprobs] of [
  [{ top_logprobs: 3, include: ['message.output_text.logprobs'] }, 3],
  [{ include: ['message.output_text.logprobs'] }, 0],
  [{ top_logprobs: 0 }, undefined],
  [{ top_logprobs: 2 }, 2],
] as const) {
  test(`${JSON.stringify(fields)} asks for ${topLogprobs} alternatives`, () => {
    assert.equal(askOf(fields).topLogprobs, topLogprobs);
  });
}

for (const [fields, dropped] of [
  [
    { user: 'u', metadata: { a: 'b' }, store: true, service_tier: 'flex' },
    ['user', 'metadata', 'store', 'service_tier'],
  ],
  [{ store: false, service_tier: 'auto', metadata: {}, background: false, text: { verbosity: 'medium' } }, []],
  [{ prompt_cache_key: 'k', safety_identifier: 's' }, ['prompt_cache_key', 'safety_identifier']],
  [{ prompt_cache_retention: '24h', max_tool_calls: 3 }, ['prompt_cache_retention', 'max_tool_calls']],
  [{ stream_options: { include_obfuscation: false } }, ['stream_options']],
  [{ text: { verbosity: 'low' } }, ['text.verbosity']],
  [{ include: ['file_search_call.results'] }, ['include']],
  [{ include: ['reasoning.encrypted_content', 'message.output_text.logprobs'] }, []],
  [{ reasoning: { summary: 'detailed', generate_summary: 'auto' }, truncation: 'auto', nomyo: { a: 1 } }, []],
] as const) {
  test(`of ${JSON.stringify(fields)} the client is told: ${dropped.join(', ') || 'nothing'}`, () => {
    assert.deepEqual(askOf(fields).dropped, dropped);
  });
}

for (const [fields, code, param, text] of [
  [{ previous_response_id: 'resp_1' }, 'unsupported', 'previous_response_id', /previous_response_id/],
  [{ conversation: 'conv_1' }, 'unsupported', 'conversation', /conversation/],
  [{ prompt: { id: 'p' } }, 'unsupported', 'prompt', /prompt/],
  [{ background: true }, 'unsupported', 'background', /background/],
  [{ magic: 0 }, 'unsupported', 'magic', /^magic is not supported/],
  [{ constructor: 1 }, 'unsupported', 'constructor', /constructor/],
  [{ text: { magic: 1 } }, 'unsupported', 'text.magic', /text\.magic/],
  [{ reasoning: { mode: 'pro' } }, 'unsupported', 'reasoning.mode', /reasoning\.mode/],
  [{ reasoning: { effort: 'x"' } }, 'invalid_parameter', 'reasoning.effort', /^invalid reasoning value: "x\\""$/],
  [{ text: { format: { type: 'grammar' } } }, 'invalid_parameter', 'text.format', /"grammar"/],
  [{ text: { format: { type: 'json_schema', name: 'n' } } }, 'invalid_parameter', 'text.format.schema', /schema/],
  [{ max_output_tokens: 0 }, 'invalid_parameter', 'max_output_tokens', /from 1 on/],
  [{ max_output_tokens: 1.5 }, 'invalid_parameter', 'max_output_tokens', /1\.5/],
  [{ top_logprobs: 21 }, 'invalid_parameter', 'top_logprobs', /21/],
  [{ temperature: 'warm' }, 'invalid_parameter', 'temperature', /temperature/],
] as const) {
  test(`2.7 ${JSON.stringify(fields)} is refused: ${code} ${param}`, () => {
    const [found, at, said] = refusalOf(fields);
    assert.deepEqual([found, at], [code, param]);
    assert.match(said, text);
  });
}

test('parts of an ask have the names that this API has for them', () => {
  const parts = [
    'maxTokens',
    'think',
    'topLogprobs',
    'toolChoice',
    'parallelTools',
    'reasoning',
    'temperature',
    'topP',
  ];
  assert.deepEqual(
    parts.map((part) => settingName(part as AskPart)),
    [
      ...['max_output_tokens', 'reasoning.effort', 'top_logprobs', 'tool_choice', 'parallel_tool_calls'],
      ...['input.reasoning', 'temperature', 'top_p'],
    ],
  );
});
