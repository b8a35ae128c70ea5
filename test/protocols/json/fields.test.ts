import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../../src/errors.ts';
import { Fields } from '../../../src/protocols/json/fields.ts';

function ollama(text: string): Fields {
  return new Fields(Buffer.from(text), 0, { struct: 'ChatRequest', foldCase: true });
}

function openai(text: string): Fields {
  return new Fields(Buffer.from(text), 0, { struct: 'ChatCompletionRequest', foldCase: false });
}

test('Ollama takes a field in any case, the last one counting (contract 1.1)', () => {
  assert.equal(ollama('{"Model":"a"}').string('model'), 'a');
  assert.equal(ollama('{"model":"a","MODEL":"b"}').string('model'), 'b');
  assert.equal(ollama('{"keep_Alive":5}').number('keep_alive'), '5');
  assert.equal(ollama('{"models":"a"}').string('model'), undefined);
  assert.equal(ollama('{"options":{"Stop":["a"]}}').object('options', 'Options')?.strings('stop')[0], 'a');
});

test("OpenAI's fields have one spelling", () => {
  assert.equal(openai('{"Model":"a"}').string('model'), undefined);
  assert.equal(openai('{"model":"a"}').string('model'), 'a');
});

test('null counts as absent, whatever type is asked for', () => {
  const fields = ollama('{"x":null}');
  const answers = [
    fields.string('x'),
    fields.boolean('x'),
    fields.number('x'),
    fields.object('x', 'X'),
    fields.raw('x'),
  ];
  assert.deepEqual([...answers, fields.type('x')], Array(6).fill(undefined));
  assert.deepEqual([fields.objects('x', 'X'), fields.strings('x')], [[], []]);
  assert.ok(fields.member('x') !== undefined, 'but it can be edited');
});

test('numbers and raw values keep their text', () => {
  const fields = ollama('{"a":1.0,"b":18446744073709551615,"c":1e-7,"d":{"2":1, "1":2.50},"e":-0}');
  assert.deepEqual(
    [fields.number('a'), fields.number('b'), fields.number('c'), fields.raw('d'), fields.number('e')],
    ['1.0', '18446744073709551615', '1e-7', '{"2":1, "1":2.50}', '-0'],
  );
});

test('strings are decoded, escapes and all', () => {
  assert.equal(ollama('{"a":"\\u00e9\\ud83d\\ude00\\n\\"é"}').string('a'), 'é😀\n"é');
  assert.deepEqual(ollama('{"a":["x","\\t",""]}').strings('a'), ['x', '\t', '']);
});

test('a string that shows to be invalid only when it is decoded is invalid JSON, no crash', () => {
  for (const inside of ['\\q', '\\n\n', '\\ud83']) {
    const fields = ollama(`{"a":"${'x'.repeat(100)}${inside}","b":["${'x'.repeat(100)}${inside}"]}`);
    for (const read of [() => fields.string('a'), () => fields.strings('b')])
      assert.throws(read, (error) => error instanceof RouterError && error.code === 'invalid_json');
  }
});

test('booleans, types and nested objects are told apart', () => {
  const fields = ollama('{"t":true,"f":false,"s":"","n":-1,"o":{},"a":[]}');
  assert.deepEqual([fields.boolean('t'), fields.boolean('f'), fields.boolean('none')], [true, false, undefined]);
  assert.deepEqual(
    ['t', 's', 'n', 'o', 'a'].map((key) => fields.type(key)),
    ['bool', 'string', 'number', 'object', 'array'],
  );
  const [first, second] = ollama('{"m":[{"role":"user"},{"role":"tool"}]}').objects('m', 'Message');
  assert.deepEqual([first?.string('role'), second?.string('role')], ['user', 'tool']);
});

const wrong: readonly (readonly [string, (fields: Fields) => unknown, string])[] = [
  ['{"stream":"yes"}', (f) => f.boolean('stream'), 'string into Go struct field ChatRequest.stream of type bool'],
  ['{"model":5}', (f) => f.string('model'), 'number into Go struct field ChatRequest.model of type string'],
  ['{"model":[]}', (f) => f.string('model'), 'array into Go struct field ChatRequest.model of type string'],
  ['{"n":true}', (f) => f.number('n', 'int'), 'bool into Go struct field ChatRequest.n of type int'],
  [
    '{"options":[]}',
    (f) => f.object('options', 'Options'),
    'array into Go struct field ChatRequest.options of type map[string]interface {}',
  ],
  [
    '{"messages":{}}',
    (f) => f.objects('messages', 'Message'),
    'object into Go struct field ChatRequest.messages of type []api.Message',
  ],
  [
    '{"messages":["hi"]}',
    (f) => f.objects('messages', 'Message'),
    'string into Go struct field ChatRequest.messages of type api.Message',
  ],
  [
    '{"messages":[{"content":[]}]}',
    (f) => f.objects('messages', 'Message')[0]?.string('content'),
    'array into Go struct field Message.content of type string',
  ],
  ['{"stop":["a",1]}', (f) => f.strings('stop'), 'number into Go struct field ChatRequest.stop of type string'],
];

for (const [text, read, said] of wrong) {
  test(`${text} is refused in the words of Ollama's decoder`, () => {
    assert.throws(
      () => read(ollama(text)),
      (error) =>
        error instanceof RouterError && error.status === 400 && error.message === `json: cannot unmarshal ${said}`,
    );
  });
}
