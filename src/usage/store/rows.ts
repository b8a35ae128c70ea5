import type { Database } from './database.ts';

/**
 * Rows of the time series that can be counted: who wrote the others, and when, nobody knows. The latest: the year 9999.
 * Statements that go through a range of ids say NOT INDEXED: an index of another program would lead through all of a model.
 */
export const COUNTABLE = `
endpoint IS NOT NULL AND model IS NOT NULL
AND typeof(timestamp) IN ('integer', 'real') AND timestamp >= 0 AND timestamp < 253402300800`;

/** Rows that one transaction goes through, so that a batch of tokens waits for milliseconds. */
const CHUNK = 20_000;

const CHUNK_END = `
SELECT MAX(id) AS id FROM (SELECT id FROM token_time_series WHERE id > ? AND id <= ? ORDER BY id LIMIT ${CHUNK})`;

/** The last id of the next chunk of rows after one id and up to another; undefined where there is none. */
export function chunkEnd(database: Database, after: number, upTo: number): number | undefined {
  return database.get<{ id: number | null }>(CHUNK_END, after, upTo)?.id ?? undefined;
}

/** The id of the newest row; 0 where there is none. */
export function lastId(database: Database): number {
  return database.get<{ id: number | null }>('SELECT MAX(id) AS id FROM token_time_series')?.id ?? 0;
}
