import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Folder, rowsOf } from './stage.ts';

const CHILD = fileURLToPath(new URL('./endless.ts', import.meta.url));
/** Tokens at risk are those of one second; a busy machine takes its time. */
const AT_RISK_MS = 1_500;
const KILLS = 4;

interface Life {
  /** What the process found in the file. */
  readonly base: number;
  /** When it had counted how many tokens. */
  readonly counted: readonly { readonly at: number; readonly tokens: number }[];
}

/** Lets a process count until it has printed so many lines, and kills it. */
async function killedAfter(file: string, lines: number): Promise<Life> {
  const child = spawn(process.execPath, [CHILD, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const counted: { at: number; tokens: number }[] = [];
  let base = Number.NaN;
  for await (const line of createInterface({ input: child.stdout })) {
    const [first = '', second = ''] = line.split(' ');
    if (first === 'base') base = Number(second);
    else counted.push({ at: Number(first), tokens: Number(second) });
    if (counted.length === lines) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL');
  return { base, counted };
}

test('a process that is killed while it counts loses what it counted in its last second, and nothing else', async (t) => {
  using folder = new Folder();
  const file = folder.file();
  let stored = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const { base, counted } = await killedAfter(file, 160 + 120 * kill);
    assert.equal(base, stored, 'the next process finds what was stored');
    const [row] = rowsOf(file, 'SELECT total_tokens, input_tokens FROM token_counts');
    stored = Number(row?.['total_tokens'] ?? 0);
    assert.equal(stored % 100, 0, 'requests are stored whole');
    const last = counted.at(-1);
    assert.ok(last !== undefined);
    const safe = counted.findLast(({ at }) => at <= last.at - AT_RISK_MS)?.tokens ?? base;
    const lost = last.tokens - stored;
    const missing = counted.find(({ tokens }) => tokens > stored)?.at ?? last.at;
    t.diagnostic(
      `kill ${kill + 1}: ${lost} of ${last.tokens - base} tokens lost, the last ${last.at - missing} ms of them`,
    );
    assert.ok(stored >= safe, `${stored} stored, ${safe} counted well before the end`);
    assert.equal(rowsOf(file, 'SELECT SUM(total_tokens) AS sum FROM token_time_series')[0]?.['sum'] ?? 0, stored);
  }
});
