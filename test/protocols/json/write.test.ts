import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arrayText, objectText, text } from '../../../src/protocols/json/write.ts';

test('an object keeps its order and its values to the letter and leaves out what is undefined', () => {
  assert.equal(objectText({ b: '1.0', a: undefined, '"': text('é"\n') }), '{"b":1.0,"\\"":"é\\"\\n"}');
  assert.equal(objectText({}), '{}');
  assert.equal(arrayText(['1e-7', '{}']), '[1e-7,{}]');
});

test('a text is valid JSON whatever characters it holds', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (value) => JSON.parse(text(value)) === value));
  assert.equal(text(undefined), undefined);
  assert.equal(text(null), 'null');
});
