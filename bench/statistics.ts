import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { Ledger } from '../src/usage/ledger.ts';
import { openStatistics, type Statistics } from '../src/usage/statistics.ts';
import { REFERENCE_SCHEMA } from '../test/usage/stage.ts';

/**
 * What a large history of the Python router costs: bench/statistics.ts [ROWS] [MODELS]. Makes a year of rows, opens it as
 * the router does, and asks and counts while it is being read.
 */
const ROWS = Number(process.argv[2] ?? 10_000_000);
const MODELS = Number(process.argv[3] ?? 20);
const ENDPOINTS = 5;
const YEAR = 365 * 86_400;
const NOW = Math.floor(Date.now() / 1_000);
const MODEL = 'model-0';
const URL = 'http://gpu-0:11434';

const folder = mkdtempSync(path.join(tmpdir(), 'statistics-'));
const file = path.join(folder, 'token_counts.db');

function makeHistory(): void {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF');
  database.exec(REFERENCE_SCHEMA);
  database.exec(`
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS - 1})
    INSERT INTO token_time_series (endpoint, model, input_tokens, output_tokens, total_tokens, timestamp)
    SELECT 'http://gpu-' || (i * 7 / 3 % ${ENDPOINTS}) || ':11434', 'model-' || (i * 31 / 7 % ${MODELS}), 100, 10, 110,
      ${NOW - YEAR} + CAST(i * ${YEAR}.0 / ${ROWS} AS INTEGER) FROM n;
    INSERT INTO token_counts SELECT endpoint, model, SUM(input_tokens), SUM(output_tokens), SUM(total_tokens)
    FROM token_time_series GROUP BY 1, 2`);
  database.close();
  // Else the router's first write would wait for all of it to reach the disk.
  execFileSync('sync');
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await work();
  const note = typeof result === 'string' ? `  ${result}` : '';
  console.log(`${what.padEnd(58)} ${(performance.now() - start).toFixed(1).padStart(9)} ms${note}`);
  return result;
}

/** The longest time that the event loop was not free. */
function loopWatch(): { worst: number } {
  const watch = { worst: 0 };
  let last = performance.now();
  setInterval(() => {
    watch.worst = Math.max(watch.worst, performance.now() - last - 2);
    last = performance.now();
  }, 2).unref();
  return watch;
}

async function askAll(statistics: Statistics, when: string): Promise<void> {
  const ask = (from: number | undefined, bucketSeconds: number | undefined) => async () => {
    const { points, complete } = await statistics.stats({ models: [MODEL], from, to: undefined, bucketSeconds });
    return `${points.length} points${complete ? '' : ', not complete'}`;
  };
  await timed(`stats of one model, all of it, ${when}`, ask(undefined, undefined));
  await timed(`stats of one model, last 30 days, ${when}`, ask(NOW - 30 * 86_400, undefined));
  await timed(`stats of one model, last 48 hours by 5 minutes, ${when}`, ask(NOW - 48 * 3_600, 300));
  await timed(`stats of one model, last hour by minute, ${when}`, ask(NOW - 3_600, 60));
}

async function bench(): Promise<void> {
  const watch = loopWatch();
  const before = process.memoryUsage.rss();
  const ledger = new Ledger();
  const start = performance.now();
  const onState = ({ status, detail }: { status: string; detail?: string }) =>
    console.log(`state: ${status} ${detail ?? ''}`);
  const statistics = openStatistics({ path: file, ledger, requestRetentionMs: undefined, onState });
  console.log(`openStatistics returned ${(performance.now() - start).toFixed(1).padStart(40)} ms`);
  await timed('history in the ledger', () => statistics.ready);
  await askAll(statistics, 'at first');
  let worstFlush = 0;
  let flushes = 0;
  const counted = { promptTokens: 5, completionTokens: 5, promptEstimated: false, completionEstimated: false };
  const endpoint = { url: URL, name: 'gpu-0', kind: 'ollama', base: URL, cloud: false } as const;
  const caughtUp = async () => {
    const { complete } = await statistics.stats({ models: [MODEL], from: NOW - 60, to: undefined, bucketSeconds: 60 });
    return complete;
  };
  while (!(await caughtUp())) {
    ledger.record({ endpoint, model: { id: MODEL, aliases: [], loaded: true } }, counted);
    const flush = performance.now();
    await statistics.flush();
    worstFlush = Math.max(worstFlush, performance.now() - flush);
    flushes++;
    await pause(20);
  }
  console.log(`caught up after ${((performance.now() - start) / 1_000).toFixed(1).padStart(44)} s`);
  console.log(`longest of ${flushes} flushes meanwhile ${worstFlush.toFixed(1).padStart(30)} ms`);
  console.log(`longest time the event loop was held ${watch.worst.toFixed(1).padStart(27)} ms`);
  await askAll(statistics, 'caught up');
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(`RSS ${mib(before)} before, ${mib(process.memoryUsage.rss())} after; file ${mib(statSync(file).size)}`);
  await timed('roll-up of all but 30 days', async () => `${await statistics.aggregate(30, false)} groups`);
  await timed('the same again, trimmed', async () => `${await statistics.aggregate(30, true)} groups`);
  await askAll(statistics, 'trimmed');
  await timed('close', () => statistics.close());
}

try {
  await timed(`${ROWS} rows, ${MODELS} models, ${ENDPOINTS} endpoints, written by another program`, async () =>
    makeHistory(),
  );
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
