import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHeaderValue } from '../../../src/protocols/audio/header-value.ts';

for (const [text, value, parameters] of [
  ['', '', {}],
  ['multipart/form-data', 'multipart/form-data', {}],
  ['Multipart/Form-Data; Boundary=aB-1', 'multipart/form-data', { boundary: 'aB-1' }],
  ['multipart/form-data;boundary="a b;c=\\"d\\""', 'multipart/form-data', { boundary: 'a b;c="d"' }],
  [
    ' form-data ; name = "model" ; filename="x; name=\\"y\\".wav"',
    'form-data',
    { name: 'model', filename: 'x; name="y".wav' },
  ],
  ['form-data; name=model; name=other', 'form-data', { name: 'model' }],
  ['form-data;; name=""; x', 'form-data', { name: '' }],
  ['form-data; name="open', 'form-data', { name: '' }],
  ['form-data; =; name=x', 'form-data', {}],
] as const) {
  test(`2.9 ${JSON.stringify(text)}`, () => {
    const parsed = parseHeaderValue(text);
    assert.deepEqual([parsed.value, Object.fromEntries(parsed.parameters)], [value, parameters]);
  });
}

test('2.9 a quoted text is read as it was meant', () => {
  const printable = fc.string({ unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(printable, printable, (name, filename) => {
      const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
      const { parameters } = parseHeaderValue(`form-data; filename=${quoted(filename)}; name=${quoted(name)}`);
      assert.deepEqual([parameters.get('name'), parameters.get('filename')], [name, filename]);
    }),
  );
});

test('a header made to be slow is not', () => {
  const startedAt = performance.now();
  for (const unit of [' ', ';', ' ;', 'a', '\\', '"', '\\"', '; a', '; a="', '= '])
    parseHeaderValue(`form-data; name="${unit.repeat(16_000)}`);
  assert.ok(performance.now() - startedAt < 2_000);
});
