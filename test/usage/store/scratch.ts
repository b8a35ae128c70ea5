import assert from 'node:assert/strict';
import type { Database } from '../../../src/usage/store/database.ts';
import { seeDays } from '../../../src/usage/store/days.ts';
import { catchUp } from '../../../src/usage/store/hours.ts';
import type { Series, SeriesQuery } from '../../../src/usage/store/messages.ts';
import { openDatabase } from '../../../src/usage/store/open-database.ts';
import { seriesOf } from '../../../src/usage/store/series.ts';
import { writeBatch } from '../../../src/usage/store/write-batch.ts';

/** Tokens of one endpoint and model in one second. */
export interface Spent {
  readonly endpoint: string;
  readonly model: string;
  readonly second: number;
  readonly input: number;
  readonly output: number;
}

const INSERT = `
INSERT INTO token_time_series (endpoint, model, input_tokens, output_tokens, total_tokens, timestamp)
VALUES (?1, ?2, ?3, ?4, ?3 + ?4, ?5)`;

/** A database in memory with the router's tables. */
export function openScratch(): Database {
  const { database } = openDatabase(':memory:', undefined);
  assert.ok(database !== undefined);
  return database;
}

/** Writes rows as another program would: nothing but the time series. */
export function insert(database: Database, rows: readonly Spent[]): void {
  for (const { endpoint, model, input, output, second } of rows)
    database.run(INSERT, endpoint, model, input, output, second);
}

let batches = 0;

/** Writes rows as the router does. */
export function write(database: Database, rows: readonly Spent[]): void {
  const spendings = rows.map(({ endpoint, model, second, input, output }) => {
    return { endpoint, model, second, inputTokens: input, outputTokens: output, estimatedInputTokens: 0 };
  });
  writeBatch(database, { id: `batch ${batches++}`, spendings, requests: [], lost: [] });
}

/** Brings the hours up to date, days of other programs included. */
export function settle(database: Database): void {
  end(catchUp(database));
  end(seeDays(database));
}

export function series(database: Database, query: Partial<SeriesQuery> & Pick<SeriesQuery, 'models'>): Series {
  settle(database);
  return end(seriesOf(database, { from: undefined, to: undefined, bucketSeconds: undefined, ...query }, () => true));
}

/** Runs a job to its end, and gives what it found. */
export function end<T>(job: Generator<undefined, T>): T {
  for (;;) {
    const step = job.next();
    if (step.done === true) return step.value;
  }
}
