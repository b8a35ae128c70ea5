import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { textDigest } from '../../src/domain/digest.ts';

test('a digest is 64 hexadecimal digits, the same for the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.match(textDigest(text), /^[0-9a-f]{64}$/);
      assert.equal(textDigest(text), textDigest(text));
    }),
  );
});

test('no two of ten thousand similar texts share a digest, or the twelve digits of it that people see', () => {
  const digests = Array.from({ length: 10_000 }, (_, i) => textDigest(`llama-server|model-${i}`));
  assert.equal(new Set(digests.map((digest) => digest.slice(0, 12))).size, 10_000);
});
