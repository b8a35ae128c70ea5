import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askOf } from './message-calls.ts';
import { refuses } from './refusing.ts';

const TOOL = { name: 'f', input_schema: { type: 'object' } };

test("2.8 tools are OpenAI's, with the schema's own bytes", () => {
  const schema = '{"type": "object","properties":{"z":{},"10":{"default":1.0}}, "x-y":9007199254740993}';
  const tool = `{"type":"custom","strict":true,"input_schema":${schema},"description":"d \\u00e9","name":"f"}`;
  const { tools } = askOf(
    `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"q"}],"tools":[${tool},{"name":"g","type":null,"input_schema":{}}]}`,
  );
  const f = `{"type":"function","function":{"name":"f","description":"d é","strict":true,"parameters":${schema}}}`;
  assert.equal(tools, `[${f},{"type":"function","function":{"name":"g","parameters":{}}}]`);
});

test('2.8 no tools are none', () => {
  for (const tools of [undefined, null, []]) assert.equal(askOf({ tools }).tools, undefined);
});

test("2.8 a tool of Anthropic's own is refused by its name", () => {
  for (const type of ['web_search_20250305', 'bash_20250124', 'code_execution_20250522'])
    refuses('unsupported', `tools: 'f' of type '${type}'`, () => askOf({ tools: [TOOL, { name: 'f', type }] }));
});

test('2.8 a tool without a name or a schema is refused, and one with an unknown field', () => {
  refuses('invalid_parameter', 'tools: name', () => askOf({ tools: [{ ...TOOL, name: '' }] }));
  refuses('invalid_parameter', 'tools: input_schema', () => askOf({ tools: [{ name: 'f' }] }));
  refuses('unsupported', 'tools.odd', () => askOf({ tools: [{ ...TOOL, odd: 1 }] }));
});

test('2.8 hints of a tool are dropped by their names', () => {
  const hints = {
    cache_control: {},
    input_examples: [{}],
    defer_loading: false,
    eager_input_streaming: true,
    allowed_callers: ['direct'],
  };
  const names = Object.keys(hints).map((name) => `tools.${name}`);
  assert.deepEqual(askOf({ tools: [{ ...TOOL, ...hints }] }).dropped, names);
});

for (const [given, toolChoice, parallelTools] of [
  [{ type: 'auto' }, 'auto', undefined],
  [{ type: 'any' }, 'required', undefined],
  [{ type: 'none' }, 'none', undefined],
  [{ type: 'tool', name: 'f' }, { name: 'f' }, undefined],
  [{ type: 'any', disable_parallel_tool_use: true }, 'required', false],
  [{ type: 'auto', disable_parallel_tool_use: false }, 'auto', undefined],
  [undefined, undefined, undefined],
  [null, undefined, undefined],
] as const)
  test(`2.8 tool_choice ${JSON.stringify(given)}`, () => {
    const ask = askOf({ tools: [TOOL], tool_choice: given });
    assert.deepEqual([ask.toolChoice, ask.parallelTools], [toolChoice, parallelTools]);
  });

test('2.8 another tool_choice is refused, and one that needs tools where there are none', () => {
  refuses('invalid_parameter', 'tool_choice', () => askOf({ tools: [TOOL], tool_choice: { type: 'x' } }));
  refuses('unsupported', 'tool_choice.odd', () => askOf({ tools: [TOOL], tool_choice: { type: 'auto', odd: 1 } }));
  for (const type of ['any', 'tool'])
    refuses('invalid_parameter', 'tool_choice', () => askOf({ tool_choice: { type } }));
  for (const type of ['auto', 'none']) assert.equal(askOf({ tool_choice: { type } }).toolChoice, undefined);
});
