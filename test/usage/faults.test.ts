import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { eventually } from '../support/router.ts';
import { allOf, change, Folder, openStage, rowsOf, type Stage } from './stage.ts';

const CRASHING = new URL('./crashing-worker.ts', import.meta.url);

function isIn(stage: Stage, status: string): Promise<void> {
  return eventually(() => stage.statistics.state().status === status, 60_000);
}

function inputTokens(file: string): number {
  return Number(rowsOf(file, 'SELECT SUM(input_tokens) AS sum FROM token_counts')[0]?.['sum']);
}

/** Files of another name than the database's. */
function asides(folder: Folder): string[] {
  return readdirSync(folder.path).filter((name) => name.includes('.corrupt-'));
}

/** A file with a history of 7 tokens and many rows. */
async function filledFile(folder: Folder): Promise<string> {
  const file = folder.file();
  let now = 1_700_000_000_000;
  {
    await using stage = openStage(file, { now: () => now });
    for (let i = 0; i < 5_000; i++) {
      now += 1_000;
      stage.spend('m', 1, 0);
    }
  }
  return file;
}

// At once: most of them wait for a patience that ends, or for another attempt.
describe('a store that has trouble', { concurrency: true }, () => {
  test('while another process holds the lock, counting goes on, and what waited is written once it lets go', async () => {
    using folder = new Folder();
    const file = await filledFile(folder);
    const other = new DatabaseSync(file, { timeout: 10_000 });
    await using stage = openStage(file);
    await stage.statistics.ready;
    other.exec('BEGIN IMMEDIATE');
    stage.spend('m', 10, 0);
    assert.equal(await stage.statistics.flush(), false);
    const { inputTokens: known } = await stage.statistics.stats(allOf('m'));
    assert.equal(known, 5_010);
    await isIn(stage, 'error');
    assert.match(stage.statistics.state().detail ?? '', /another process holds its lock/);
    stage.spend('m', 100, 0);
    other.exec('ROLLBACK');
    other.close();
    await isIn(stage, 'ok');
    assert.equal(await stage.statistics.flush(), true);
    assert.equal(inputTokens(file), 5_110);
    assert.deepEqual(
      stage.told.map(({ status }) => status),
      ['ok', 'error', 'ok'],
    );
  });

  test('a file that is locked at the start gives its history later', async () => {
    using folder = new Folder();
    const file = await filledFile(folder);
    const other = new DatabaseSync(file, { timeout: 10_000 });
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    await using stage = openStage(file);
    await stage.statistics.ready;
    stage.spend('m', 1, 0);
    assert.deepEqual(stage.ledger.totals(), { 'http://a:1': { m: 1 } });
    await assert.rejects(stage.statistics.aggregate(0, true), { code: 'router_busy', status: 503 });
    other.close();
    await isIn(stage, 'ok');
    assert.deepEqual(stage.ledger.totals(), { 'http://a:1': { m: 5_001 } });
    assert.equal(await stage.statistics.flush(), true);
    assert.equal(inputTokens(file), 5_001);
  });

  describe('a corrupt file is set aside and never deleted', { concurrency: true }, () => {
    const garbage = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919) % 251));
    const cases: readonly [name: string, spoil: (file: string) => void][] = [
      ['of other bytes', (file) => writeFileSync(file, garbage)],
      [
        'with garbage behind its header',
        (file) => writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 100), garbage])),
      ],
      ['cut off', (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ];
    for (const [name, spoil] of cases) {
      test(name, async () => {
        using folder = new Folder();
        const file = await filledFile(folder);
        spoil(file);
        const spoilt = readFileSync(file);
        {
          await using stage = openStage(file);
          await stage.statistics.ready;
          stage.spend('m', 3, 0);
          assert.equal(await stage.statistics.flush(), true);
          const { status, detail } = stage.statistics.state();
          assert.equal(status, 'ok');
          assert.match(detail ?? '', /the file was corrupt \(.+\): it is set aside as .+\.corrupt-\d{8}T\d{9}Z$/);
          assert.deepEqual(stage.told, [{ status, detail }]);
        }
        const [aside = '', ...others] = asides(folder);
        assert.deepEqual(others, []);
        assert.deepEqual(readFileSync(path.join(folder.path, aside)), spoilt);
        assert.equal(inputTokens(file), 3);
      });
    }

    test('found while it is in use: the totals go to the new file', async () => {
      using folder = new Folder();
      const file = await filledFile(folder);
      await using stage = openStage(file);
      await stage.statistics.ready;
      stage.spend('m', 10, 0);
      stage.spend('n', 20, 0, { estimated: true });
      assert.equal(await stage.statistics.flush(), true);
      const size = statSync(file).size;
      change(file, 'PRAGMA wal_checkpoint(TRUNCATE)');
      writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 100), Buffer.alloc(size, 0x5a)]));
      // Whatever is read from now on is nonsense; what is still in memory may be used a while.
      await eventually(async () => {
        stage.spend('m', 1, 0);
        await stage.statistics.flush();
        await stage.statistics.stats(allOf('m')).catch(() => {});
        return asides(folder).length > 0;
      }, 60_000);
      await eventually(() => stage.statistics.flush(), 60_000);
      const { 'http://a:1': totals } = stage.ledger.totals();
      assert.ok((totals?.['m'] ?? 0) > 5_010);
      assert.deepEqual(rowsOf(file, 'SELECT model, input_tokens FROM token_counts ORDER BY model'), [
        { model: 'm', input_tokens: totals?.['m'] },
        { model: 'n', input_tokens: 20 },
      ]);
      assert.deepEqual(rowsOf(file, 'SELECT model, input_tokens FROM router_estimates'), [
        { model: 'n', input_tokens: 20 },
      ]);
      assert.match(stage.statistics.state().detail ?? '', /set aside/);
    });
  });

  test('a full disk stops nothing: totals stay in memory, and are written when there is room', async () => {
    using folder = new Folder();
    const file = folder.file();
    let now = 1_700_000_000_000;
    {
      await using stage = openStage(file, { maxPages: 40, now: () => now });
      await stage.statistics.ready;
      const spend = (times: number) => {
        for (let i = 0; i < times; i++) {
          now += 1_000;
          stage.spend('m', 1, 0);
        }
      };
      for (let round = 0; round < 10; round++) {
        spend(1_000);
        await stage.statistics.flush();
      }
      spend(20_000);
      await isIn(stage, 'error');
      assert.match(stage.statistics.state().detail ?? '', /the disk is full/);
      assert.ok(stage.ledger.pending.length <= 10_000);
      assert.equal((await stage.statistics.stats(allOf('m'))).inputTokens, 30_000);
      const { inputTokens: counted } = await stage.statistics.stats({ ...allOf('m'), from: 1 });
      assert.ok(counted <= 30_000);
    }
    assert.ok(inputTokens(file) < 30_000);
    assert.ok(statSync(file).size <= 40 * 4_096);
  });

  test('a directory where the file should be, or a file where its folder should be, is an error and nothing else', async () => {
    using folder = new Folder();
    mkdirSync(folder.file('directory'));
    writeFileSync(folder.file('plain'), 'x');
    for (const file of [folder.file('directory'), folder.file('plain/token_counts.db'), '/proc/none/token_counts.db']) {
      await using stage = openStage(file);
      await stage.statistics.ready;
      stage.spend('m', 1, 1);
      assert.equal(stage.statistics.state().status, 'error', file);
      const { inputTokens: counted, points, complete } = await stage.statistics.stats(allOf('m'));
      assert.deepEqual([counted, points.length, complete], [1, 1, false]);
      await assert.rejects(stage.statistics.aggregate(1, false), { code: 'router_busy' });
      await assert.rejects(stage.statistics.findRequest('x'), { code: 'router_busy' });
    }
  });

  test('a thread that crashes is started again, and each batch is written once, with or without a receipt', async () => {
    using folder = new Folder();
    const file = folder.file();
    await using stage = openStage(file, { worker: CRASHING });
    await stage.statistics.ready;
    for (let i = 0; i < 6; i++) {
      stage.spend('m', 1, 0);
      await eventually(() => stage.statistics.flush(), 60_000);
    }
    assert.ok(stage.told.some(({ detail }) => /the thread of the statistics ended: crashed/.test(detail ?? '')));
    assert.equal(inputTokens(file), 6);
    assert.equal(rowsOf(file, 'SELECT SUM(input_tokens) AS sum FROM token_time_series')[0]?.['sum'], 6);
    assert.deepEqual(stage.ledger.totals(), { 'http://a:1': { m: 6 } });
  });

  test('a thread that answers nothing holds nobody up for long, and the end comes all the same', async () => {
    using folder = new Folder();
    const stage = openStage(folder.file(), { worker: new URL('./silent-worker.ts', import.meta.url) });
    stage.spend('m', 1, 1);
    const { inputTokens: counted, complete } = await stage.statistics.stats(allOf('m'));
    assert.deepEqual([counted, complete], [1, false]);
    await stage.statistics.close();
    assert.deepEqual(stage.told, [{ status: 'error', detail: '2 tokens could not be written before the end' }]);
  });

  test('a thread that cannot even begin is tried again less and less often', async () => {
    using folder = new Folder();
    const count = folder.file('starts');
    const worker = new URL(
      `data:text/javascript,import fs from 'node:fs';fs.appendFileSync('${count}', 'x');throw new Error('no');`,
    );
    const stage = openStage(folder.file(), { worker });
    await stage.statistics.ready;
    stage.spend('m', 1, 1);
    await eventually(() => readFileSync(count).length >= 4, 60_000);
    const began = performance.now();
    await eventually(() => readFileSync(count).length >= 6, 60_000);
    // Two pauses of what was 100 ms at first, doubled at each: however fast the machine, no less.
    assert.ok(performance.now() - began > 1_000);
    await stage.statistics.close();
    assert.match(stage.told[0]?.detail ?? '', /the thread of the statistics ended: no/);
  });
});

// Alone: for its time, the whole process is another user.
test('a file that may only be read gives its history, and is written as soon as it may be', async () => {
  using folder = new Folder();
  const file = await filledFile(folder);
  change(file, 'PRAGMA journal_mode = DELETE');
  chmodSync(file, 0o444);
  chmodSync(folder.path, 0o555);
  const channel = new BroadcastChannel('waiting-worker');
  // Who is root may write everything, and who is not may not even read the sources.
  const wasRoot = process.geteuid?.() === 0;
  try {
    await using stage = openStage(file, { worker: new URL('./waiting-worker.ts', import.meta.url) });
    await new Promise((resolve) => {
      channel.onmessage = resolve;
    });
    if (wasRoot) process.seteuid?.(65_534);
    channel.postMessage('begin');
    await stage.statistics.ready;
    stage.spend('m', 1, 0);
    await isIn(stage, 'error');
    assert.match(stage.statistics.state().detail ?? '', /read-only|cannot be opened/);
    assert.deepEqual(stage.ledger.totals(), { 'http://a:1': { m: 5_001 } });
    if (wasRoot) process.seteuid?.(0);
    chmodSync(folder.path, 0o755);
    chmodSync(file, 0o644);
    await isIn(stage, 'ok');
    assert.equal(await stage.statistics.flush(), true);
    assert.equal(inputTokens(file), 5_001);
  } finally {
    if (wasRoot) process.seteuid?.(0);
    chmodSync(folder.path, 0o755);
    channel.close();
  }
});

test('a file that is removed while it is in use is made anew, with all that was counted', async () => {
  using folder = new Folder();
  await using stage = openStage(folder.file());
  await stage.statistics.ready;
  stage.spend('m', 3, 4);
  assert.equal(await stage.statistics.flush(), true);
  for (const suffix of ['', '-wal', '-shm']) rmSync(folder.file() + suffix, { force: true });
  stage.spend('m', 5, 6);
  await eventually(() => stage.statistics.flush());
  assert.match(stage.told.map(({ detail }) => detail).join('\n'), /removed or replaced/);
  const [row] = rowsOf(folder.file(), 'SELECT input_tokens, output_tokens FROM token_counts');
  assert.deepEqual({ ...row }, { input_tokens: 8, output_tokens: 10 });
});
