import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { defaultConfig } from '../../src/config/load.ts';
import { keysAt, ROUTER_KEYS } from '../../src/config/schema.ts';
import { load } from './load-text.ts';

const EXAMPLE = readFileSync(new URL('../../config.example.yaml', import.meta.url), 'utf8');
/** The example with the settings that it only shows. */
const UNCOMMENTED = EXAMPLE.replace(/^#(?! |$)/gm, '').replace(/^#(?= {2})/gm, '');

test('the example holds the defaults', () => {
  const { file, ...config } = load(EXAMPLE);
  assert.match(file ?? '', /config\.yaml$/);
  assert.deepEqual({ ...config, file: undefined }, defaultConfig());
});

test('what the example shows without setting it is valid too', () => {
  const { endpoints, warnings } = load(UNCOMMENTED, { EXAMPLE_KEY: 'k' });
  assert.deepEqual([endpoints.length, warnings], [2, []]);
});

test('the example shows every key, and no other', () => {
  const shown = parse(UNCOMMENTED);
  const spellings = new Set<string>(ROUTER_KEYS);
  const top = keysAt([]).filter((key) => !spellings.has(key));
  assert.deepEqual(
    Object.keys(shown)
      .filter((key) => !spellings.has(key))
      .toSorted(),
    top.toSorted(),
  );
  assert.ok('nomyo-router-api-key' in shown);
  for (const group of ['limits', 'timeouts', 'recovery', 'requests'])
    assert.deepEqual(Object.keys(shown[group]), keysAt([group]));
  assert.deepEqual(Object.keys(shown.endpoints[1]), keysAt(['endpoints', 1]));
});

test('every key of the example has a line that explains it', () => {
  const lines = EXAMPLE.split('\n');
  for (const [index, line] of lines.entries()) {
    if (/^ *#? *(- )?[\w-]+:( |$)/.test(line) && !line.startsWith('# '))
      assert.match(lines[index - 1] ?? '', /^ *# .*[.:]$/, line);
  }
});
