import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure } from '../../../src/errors.ts';
import { JsonLines } from '../../../src/protocols/ollama/json-lines.ts';

const TEXT = '{"status":"gr\u00fc\u00dfe \u{1F600}"}\n\n{"a":1}\r\n{"b":2}';

test('lines are whole wherever the network cuts them', () => {
  const bytes = Buffer.from(TEXT);
  for (let cut = 0; cut <= bytes.length; cut++) {
    const lines = new JsonLines();
    const first = Buffer.from(bytes.subarray(0, cut));
    const found = lines.push(first);
    first.fill(0);
    assert.deepEqual(
      [...found, ...lines.push(bytes.subarray(cut)), ...lines.end()],
      [{ status: 'gr\u00fc\u00dfe \u{1F600}' }, { a: 1 }, { b: 2 }],
    );
  }
});

test('what is no object on a line of its own is a failure of the endpoint', () => {
  for (const text of ['<html>\n', '5\n', '[]\n', '{"a":\n']) {
    assert.throws(() => new JsonLines().push(Buffer.from(text)), EndpointFailure, text);
  }
});

test('a line without end is given up', () => {
  const lines = new JsonLines();
  lines.push(Buffer.alloc(1024 * 1024, 'x'));
  assert.throws(() => lines.push(Buffer.from('x')), /too long/);
});
