import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../src/errors.ts';
import { readFields } from '../../src/protocols/body.ts';

function refusal(body: string): string {
  try {
    readFields(Buffer.from(body), { struct: 'X', foldCase: false });
  } catch (error) {
    assert.ok(error instanceof RouterError && error.code === 'invalid_json' && error.status === 400, `${error}`);
    return error.message;
  }
  return 'taken';
}

for (const [body, said] of [
  ['', 'missing request body'],
  ['{"a":1} and more', 'taken'],
  ['{"a":1', 'request body is not valid JSON at line 1 column 7: unexpected end'],
  ['{\n  "a": tru }', 'request body is not valid JSON at line 2 column 11: unexpected character'],
  ['[]', 'request body is not valid JSON at line 1 column 1: expected an object'],
  ['{"a\\q":1}', 'request body is not valid JSON at line 1 column 5: invalid escape'],
  ['model=x', 'request body is not valid JSON at line 1 column 1: expected an object'],
] as const) {
  test(`a body ${JSON.stringify(body)} gives: ${said}`, () => assert.equal(refusal(body), said));
}

test('a long key with a bad escape is invalid JSON, no crash', () => {
  assert.match(refusal(`{"${'k'.repeat(100)}\\q":1}`), /^request body is not valid JSON at line 1/);
});
