import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askOf } from './message-calls.ts';
import { refuses } from './refusing.ts';

for (const [thinking, effort, think] of [
  [undefined, undefined, undefined],
  [null, undefined, undefined],
  ['enabled', undefined, true],
  ['disabled', undefined, false],
  ['adaptive', undefined, undefined],
  [undefined, 'low', 'low'],
  ['adaptive', 'medium', 'medium'],
  ['enabled', 'high', 'high'],
  ['adaptive', 'xhigh', 'xhigh'],
  ['adaptive', 'max', 'max'],
  ['disabled', 'max', false],
] as const)
  test(`2.8 thinking ${thinking} with effort ${effort} is ${think}`, () => {
    const ask = askOf({ thinking: thinking && { type: thinking }, output_config: { effort } });
    assert.deepEqual([ask.think, ask.dropped], [think, []]);
  });

test('2.8 the budget of thoughts, how to show them and the budget of a task are dropped', () => {
  const thinking = { type: 'enabled', budget_tokens: 1024, display: 'summarized' };
  assert.deepEqual(askOf({ thinking, output_config: { task_budget: {} } }).dropped, [
    'output_config.task_budget',
    'thinking.budget_tokens',
    'thinking.display',
  ]);
});

test('2.8 another thinking and another effort are refused', () => {
  refuses('invalid_parameter', 'thinking', () => askOf({ thinking: { type: 'x' } }));
  refuses('unsupported', 'thinking.odd', () => askOf({ thinking: { type: 'enabled', odd: 1 } }));
  refuses('invalid_parameter', 'output_config', () => askOf({ output_config: { effort: 'minimal' } }));
  refuses('unsupported', 'output_config.odd', () => askOf({ output_config: { odd: 1 } }));
});

test("2.8 a format is a schema to the letter, the new field's before the old one's", () => {
  const schema = '{"type": "object","properties":{"b":{"minimum":1.0},"1":{}}}';
  const format = `{"type":"json_schema","schema":${schema}}`;
  const of = (fields: string) =>
    askOf(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"q"}],${fields}}`).format;
  const expected = { kind: 'schema', schema, name: undefined, description: undefined, strict: undefined } as const;
  assert.deepEqual(of(`"output_format":${format}`), expected);
  assert.deepEqual(of(`"output_config":{"format":${format}}`), expected);
  assert.deepEqual(
    of(`"output_format":{"type":"json_schema","schema":{}},"output_config":{"format":${format}}`),
    expected,
  );
});

test('2.8 another format is refused', () => {
  for (const [where, wrap] of [
    ['output_format', (format: object) => ({ output_format: format })],
    ['output_config.format', (format: object) => ({ output_config: { format } })],
  ] as const) {
    refuses('unsupported', `${where}: type 'grammar'`, () => askOf(wrap({ type: 'grammar' })));
    refuses('invalid_parameter', `${where}: schema`, () => askOf(wrap({ type: 'json_schema' })));
    refuses('unsupported', `${where}.odd`, () => askOf(wrap({ type: 'json_schema', schema: {}, odd: 1 })));
  }
});
