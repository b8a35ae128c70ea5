import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goDurationError, parseGoDuration } from '../../../src/protocols/ollama/duration.ts';

/** What Go 1.26's `time.ParseDuration` says of each. */
const DURATIONS: readonly (readonly [string, number | string])[] = [
  ['5m', 300],
  ['1h30m', 5400],
  ['-1h30m', -5400],
  ['300ms', 0.3],
  ['0s', 0],
  ['0', 0],
  ['-0', 0],
  ['-1m', -60],
  ['+5s', 5],
  ['1.5h', 5400],
  ['1.s', 1],
  ['.5s', 0.5],
  ['1us', 1e-6],
  ['1\u00b5s', 1e-6],
  ['1\u03bcs', 1e-6],
  ['1ns', 1e-9],
  ['2562047h', 9_223_369_200],
  ['300', 'time: missing unit in duration "300"'],
  ['-1', 'time: missing unit in duration "-1"'],
  ['1h30', 'time: missing unit in duration "1h30"'],
  ['1..5s', 'time: missing unit in duration "1..5s"'],
  ['3d', 'time: unknown unit "d" in duration "3d"'],
  ['5M', 'time: unknown unit "M" in duration "5M"'],
  ['1 h', 'time: unknown unit " h" in duration "1 h"'],
  ['1e3s', 'time: unknown unit "e" in duration "1e3s"'],
  ['1h-30m', 'time: unknown unit "h-" in duration "1h-30m"'],
  ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
  ['', 'time: invalid duration ""'],
  ['-', 'time: invalid duration "-"'],
  ['.s', 'time: invalid duration ".s"'],
  [' 1h', 'time: invalid duration " 1h"'],
  ['--5s', 'time: invalid duration "--5s"'],
  ['for ever', 'time: invalid duration "for ever"'],
  ['2562048h', 'time: invalid duration "2562048h"'],
];

for (const [text, expected] of DURATIONS) {
  test(`"${text}" is ${typeof expected === 'number' ? `${expected} seconds` : 'refused'}, as Go has it`, () => {
    const seconds = parseGoDuration(text);
    if (typeof expected === 'string') assert.deepEqual([seconds, goDurationError(text)], [undefined, expected]);
    else {
      assert.ok(seconds !== undefined && Math.abs(seconds - expected) < 1e-12, `${seconds}`);
      assert.equal(goDurationError(text), undefined);
    }
  });
}
