import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespacesOf } from '../../../src/protocols/responses/tools.ts';
import { askOf, callOf, refusalOf } from './asking.ts';

const f = { type: 'function', name: 'f' };
const crm = {
  type: 'namespace',
  name: 'crm',
  description: 'customers',
  tools: [
    { ...f, name: 'g' },
    { ...f, name: 'h' },
  ],
};

test("2.7 functions become chat completions' tools, every byte of their schemas as it was", () => {
  const parameters = '{ "type":"object", "z":1.0,"b":9007199254740993 , "$x":null}';
  const tool = `{"type":"function","strict":true,"name":"f","parameters":${parameters},"description":"d\\u00e9"}`;
  assert.equal(
    askOf(`{"model":"m","input":"x","tools":[${tool}]}`).tools,
    `[{"type":"function","function":{"name":"f","description":"d\\u00e9","parameters":${parameters},"strict":true}}]`,
  );
});

test('functions of a namespace are functions like others, and remember whose they are', () => {
  const ask = askOf({ tools: [f, crm] });
  const names = JSON.parse(ask.tools ?? '').map((tool: { function: { name: string } }) => tool.function.name);
  assert.deepEqual([names, ask.dropped], [['f', 'g', 'h'], ['tools[1].description']]);
  assert.deepEqual(
    [...namespacesOf(callOf({ tools: [f, crm] }).fields)],
    [
      ['g', 'crm'],
      ['h', 'crm'],
    ],
  );
});

test('no tools are none', () => {
  assert.equal(askOf({ tools: [] }).tools, undefined);
  assert.equal(askOf({ tools: null }).tools, undefined);
});

for (const [choice, found] of [
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'required'],
  [{ type: 'function', name: 'f' }, { name: 'f' }],
  [null, undefined],
] as const) {
  test(`the choice ${JSON.stringify(choice)} of tools is understood`, () => {
    assert.deepEqual(askOf({ tools: [f], tool_choice: choice }).toolChoice, found);
  });
}

for (const [fields, code, param] of [
  [{ tools: [{ type: 'web_search' }] }, 'unsupported', 'tools'],
  [{ tools: [{ type: 'custom', name: 'x' }] }, 'unsupported', 'tools'],
  [{ tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'custom', name: 'x' }] }] }, 'unsupported', 'tools'],
  [{ tools: [{ ...f, magic: 1 }] }, 'unsupported', 'tools[0].magic'],
  [{ tools: [{ type: 'function', function: { name: 'f' } }] }, 'invalid_parameter', 'tools[0].name'],
  [{ tools: [{ name: 'f' }] }, 'invalid_parameter', 'tools[0].type'],
  [{ tools: [f, { ...crm, tools: [f] }] }, 'unsupported', 'tools'],
  [{ tools: [f], tool_choice: { type: 'allowed_tools' } }, 'unsupported', 'tool_choice'],
  [{ tools: [f], tool_choice: { type: 'function' } }, 'invalid_parameter', 'tool_choice'],
  [{ tools: [f], tool_choice: 'any' }, 'invalid_parameter', 'tool_choice'],
  [{ tool_choice: 'required' }, 'invalid_parameter', 'tool_choice'],
  [{ tools: [], tool_choice: { type: 'function', name: 'f' } }, 'invalid_parameter', 'tool_choice'],
] as const) {
  test(`${JSON.stringify(fields)} is refused: ${code} ${param}`, () => {
    assert.deepEqual(refusalOf(fields).slice(0, 2), [code, param]);
  });
}

test('a tool that only servers have is refused by its type', () => {
  assert.match(refusalOf({ tools: [f, { type: 'file_search' }] })[2], /^tools\[1\]: tools of type "file_search"/);
});

test('a tool that may be loaded later is loaded now, and that is told', () => {
  assert.deepEqual(askOf({ tools: [{ ...f, defer_loading: true }] }).dropped, ['tools[0].defer_loading']);
  assert.deepEqual(askOf({ tools: [{ ...f, defer_loading: false }] }).dropped, []);
});
