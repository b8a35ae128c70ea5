import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearest, suggestion } from '../../src/config/nearest.ts';
import {
  formatDuration,
  formatSize,
  readBoolean,
  readDecimal,
  readDuration,
  readSize,
} from '../../src/config/units.ts';

for (const [text, bytes] of [
  ['1', 1],
  ['64MiB', 67_108_864],
  ['64 mb', 64_000_000],
  ['1.5GiB', 1_610_612_736],
  ['2k', 2048],
  ['', undefined],
  ['-1', undefined],
  ['1 constructor', undefined],
  ['1TiB', undefined],
] as const) {
  test(`"${text}" as a size is ${bytes} bytes`, () => assert.equal(readSize(text), bytes));
}

for (const [text, ms] of [
  ['30', 30_000],
  ['0.5', 500],
  ['250ms', 250],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['5 minutes', undefined],
] as const) {
  test(`"${text}" as a time is ${ms} milliseconds`, () => assert.equal(readDuration(text), ms));
}

test('what is written as a size or a time is read back to the same', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31), (n) => readSize(formatSize(n)) === n && readDuration(formatDuration(n)) === n),
  );
});

test('decimals and booleans are read as YAML 1.1 writes them', () => {
  assert.deepEqual(['1.', '.5', '1e-1', '1_0', 'NaN', '', '-1'].map(readDecimal), [1, 0.5, 0.1, ...Array(4)]);
  assert.deepEqual(['Yes', 'off', 'TRUE', '0', 'y', ''].map(readBoolean), [
    true,
    false,
    true,
    false,
    undefined,
    undefined,
  ]);
});

test('the nearest candidate is the one with the fewest edits, whatever its case and dashes', () => {
  assert.equal(nearest('hsot', ['port', 'host']), 'host');
  assert.equal(nearest('CACHE-TTL', ['cache_db_path', 'cache_ttl']), 'cache_ttl');
  assert.equal(nearest('x', []), undefined);
  assert.equal(suggestion('x'.repeat(1e6), ['host']), ' - the nearest valid one is "host"');
});
