import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, test } from 'node:test';
import { allOf, change, Folder, openStage, rowsOf } from './stage.ts';

const SCRIPT = path.join(import.meta.dirname, 'reference.py');
const A = 'http://gpu-a:11434';
const B = 'http://gpu-b:11434/v1';
/** 2025-11-01, midnight. */
const START = Date.UTC(2025, 10, 1) / 1_000;
const DAY = 86_400;

type Step =
  | readonly ['spend', endpoint: string, model: string, input: number, output: number, timestamp: number]
  | readonly ['day', endpoint: string, model: string, date: string, input: number, output: number]
  | readonly ['sql', string];
type Tables = Readonly<Record<'token_counts' | 'token_time_series' | 'token_time_series_daily', unknown[][]>>;

/** Lets Python do something to the file, and gives what it then finds in its tables. */
function python(file: string, ...steps: Step[]): Tables {
  return JSON.parse(execFileSync('python3', [SCRIPT, file, JSON.stringify(steps)], { encoding: 'utf8' }));
}

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import sqlite3'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a database of the Python router', { skip: hasPython() ? false : 'python3 with sqlite3 is missing' }, () => {
  test("opens with its history, goes on, and is the Python router's again", async () => {
    using folder = new Folder();
    const file = folder.file();
    python(
      file,
      ['spend', A, 'qwen3:8b', 100, 50, START + 10],
      ['spend', A, 'qwen3:8b', 10, 5, START + DAY + 10],
      ['spend', B, 'qwen3:8b', 1_000, 500, START + 20],
      ['spend', B, 'bge-m3', 7, 0, START + 20],
    );
    {
      await using stage = openStage(file);
      await stage.statistics.ready;
      assert.deepEqual(stage.ledger.totals(), { [A]: { 'qwen3:8b': 165 }, [B]: { 'qwen3:8b': 1_500, 'bge-m3': 7 } });
      const { points, byEndpoint } = await stage.statistics.stats({ ...allOf('qwen3:8b'), bucketSeconds: DAY });
      assert.deepEqual(points, [
        { endpoint: A, timestamp: START, inputTokens: 100, outputTokens: 50 },
        { endpoint: B, timestamp: START, inputTokens: 1_000, outputTokens: 500 },
        { endpoint: A, timestamp: START + DAY, inputTokens: 10, outputTokens: 5 },
      ]);
      assert.deepEqual(
        byEndpoint,
        new Map([
          [A, 165],
          [B, 1_500],
        ]),
      );
      stage.spend('qwen3:8b', 1, 1, { endpoint: A });
      stage.spend('new', 2, 2, { endpoint: A, estimated: true });
    }
    const tables = python(file, ['spend', A, 'qwen3:8b', 3, 3, START + 2 * DAY]);
    assert.deepEqual(tables.token_counts, [
      [A, 'qwen3:8b', 114, 59, 173],
      [B, 'qwen3:8b', 1_000, 500, 1_500],
      [B, 'bge-m3', 7, 0, 7],
      [A, 'new', 2, 2, 4],
    ]);
    assert.equal(tables.token_time_series.length, 7);
    await using again = openStage(file);
    await again.statistics.ready;
    assert.equal(again.ledger.totals()[A]?.['qwen3:8b'], 173);
    const { points } = await again.statistics.stats({ ...allOf('qwen3:8b'), to: START + 3 * DAY, bucketSeconds: DAY });
    assert.equal(points.at(-1)?.inputTokens, 3, 'what Python wrote in between is seen');
  });

  test('that was rolled up and trimmed keeps its days, whole or in part', async () => {
    using folder = new Folder();
    const file = folder.file();
    python(
      file,
      // Trimmed: its rows are gone. Of the second day, those before noon.
      ['spend', A, 'm', 100, 100, START + 10],
      ['spend', A, 'm', 50, 50, START + DAY + 10],
      ['day', A, 'm', '2025-11-01', 100, 100],
      ['day', A, 'm', '2025-11-02', 50, 50],
      ['sql', 'DELETE FROM token_time_series'],
      ['spend', A, 'm', 5, 5, START + DAY + 50_000],
      // Rolled up, but not trimmed.
      ['spend', A, 'm', 7, 7, START + 2 * DAY],
      ['day', A, 'm', '2025-11-03', 7, 7],
    );
    const days = async () => {
      await using stage = openStage(file);
      const { points } = await stage.statistics.stats({ ...allOf('m'), bucketSeconds: DAY });
      return points.map(({ timestamp, inputTokens }) => [timestamp, inputTokens]);
    };
    const whole = [
      [START, 100],
      [START + DAY, 55],
      [START + 2 * DAY, 7],
    ];
    assert.deepEqual(await days(), whole);
    assert.deepEqual(await days(), whole, 'and again');
    {
      await using stage = openStage(file);
      await stage.statistics.ready;
      assert.equal(await stage.statistics.aggregate(1, true), 2);
    }
    assert.deepEqual(
      python(file).token_time_series_daily.map(([, , , date, input]) => [date, input]),
      [
        ['2025-11-01', 100],
        ['2025-11-02', 55],
        ['2025-11-03', 7],
      ],
    );
    assert.deepEqual(await days(), whole);
  });

  test('that it rolled up and trimmed between two starts is neither lost nor doubled', async () => {
    using folder = new Folder();
    const file = folder.file();
    python(file, ['spend', A, 'm', 100, 0, START + 10]);
    {
      await using stage = openStage(file);
      assert.equal((await stage.statistics.stats(allOf('m'))).points.length, 1);
    }
    python(
      file,
      ['spend', A, 'm', 20, 0, START + 20],
      ['day', A, 'm', '2025-11-01', 120, 0],
      ['sql', 'DELETE FROM token_time_series'],
      ['spend', A, 'm', 3, 0, START + 30],
    );
    await using stage = openStage(file);
    const { points } = await stage.statistics.stats({ ...allOf('m'), bucketSeconds: DAY });
    assert.deepEqual(
      points.map(({ inputTokens }) => inputTokens),
      [123],
    );
  });
});

test('values that are missing or senseless in the file do no harm', async () => {
  using folder = new Folder();
  const file = folder.file();
  change(
    file,
    `CREATE TABLE token_counts (endpoint TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER,
       total_tokens INTEGER, PRIMARY KEY (endpoint, model));
     CREATE TABLE token_time_series (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT,
       input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, timestamp INTEGER);
     CREATE TABLE token_time_series_daily (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT, date TEXT,
       input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, UNIQUE (endpoint, model, date));
     INSERT INTO token_counts VALUES ('${A}', 'm', NULL, 5, NULL), (NULL, 'm', 1, 1, 2), ('${A}', NULL, 1, 1, 2);
     INSERT INTO token_time_series (endpoint, model, input_tokens, output_tokens, timestamp) VALUES
       ('${A}', 'm', NULL, 5, ${START}), (NULL, 'm', 1, 1, ${START}), ('${A}', NULL, 1, 1, ${START}),
       ('${A}', 'm', 1, 1, NULL), ('${A}', 'm', 1, 1, 'yesterday'), ('${A}', 'm', 1, 1, -5), ('${A}', 'm', 1, 1, ${START}000);
     INSERT INTO token_time_series_daily (endpoint, model, date, input_tokens) VALUES
       (NULL, 'm', '2025-01-01', 1), ('${A}', 'm', 'someday', 1), ('${A}', 'm', NULL, 1), ('${A}', 'm', '2025-01-01', 9);`,
  );
  await using stage = openStage(file);
  await stage.statistics.ready;
  stage.spend('m', 1, 1, { endpoint: A });
  const { inputTokens, outputTokens, points } = await stage.statistics.stats({ ...allOf('m'), bucketSeconds: DAY });
  assert.deepEqual([inputTokens, outputTokens], [1, 6]);
  assert.deepEqual(
    points.slice(0, 2).map((point) => point.inputTokens + point.outputTokens),
    [9, 5],
  );
  assert.ok((await stage.statistics.aggregate(0, true)) > 0);
  assert.equal(
    rowsOf(file, 'SELECT * FROM token_time_series').length >= 6,
    true,
    'what cannot be summed is left alone',
  );
  assert.deepEqual(stage.told, [{ status: 'ok' }]);
});
