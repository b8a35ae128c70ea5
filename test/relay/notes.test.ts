import assert from 'node:assert/strict';
import { validateHeaderValue } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { notesOf } from '../../src/relay/notes.ts';

test('nothing is noted where nothing was changed', () => assert.deepEqual(notesOf([], []), []));

test('what was left out is named once, what was changed is said in order', () => {
  assert.deepEqual(notesOf(['user', 'options.top_k', 'messages[].name', 'user'], []), [
    'X-Nomyo-Dropped',
    'user, options.top_k, messages[].name',
  ]);
  assert.deepEqual(notesOf([], ['tools left out', 'images left out (2)']), [
    'X-Nomyo-Recovered',
    'tools left out; images left out (2)',
  ]);
  assert.deepEqual(notesOf(['a'], ['b']), ['X-Nomyo-Dropped', 'a', 'X-Nomyo-Recovered', 'b']);
});

test('names that a client made up break no header and make none long', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { minLength: 1, maxLength: 200 }), (names) => {
      const [, value = ''] = notesOf(names, []);
      validateHeaderValue('X-Nomyo-Dropped', value);
      assert.match(value, /^[\x20-\x7e]*$/);
      assert.ok(value.length < 2_500);
    }),
  );
  assert.equal(notesOf(['x'.repeat(1_000)], [])[1]?.length, 64);
  const names = Array.from({ length: 40 }, (_, i) => `n${i}`);
  assert.match(notesOf(names, [])[1] ?? '', /^n0, n1,.*, n31, and 8 more$/);
  assert.equal(notesOf(['a\r\nX: y', 'é,;'], [])[1], 'a??X??y, ???');
});
