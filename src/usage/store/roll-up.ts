import type { Database } from './database.ts';
import { ANEW, OWN, SEEN } from './days.ts';
import { forget, markOf, setMeta } from './meta.ts';
import { COUNTABLE, chunkEnd, lastId } from './rows.ts';

/** Tokens of one endpoint and model on one day. */
interface Group {
  readonly endpoint: string;
  readonly model: string;
  /** As `2025-11-29`, in UTC. */
  readonly date: string;
  readonly input: number;
  readonly output: number;
}

const BY_DAY = `
SELECT endpoint, model, date(CAST(timestamp AS INTEGER), 'unixepoch') AS date,
  COALESCE(SUM(input_tokens), 0) AS input, COALESCE(SUM(output_tokens), 0) AS output
FROM token_time_series NOT INDEXED WHERE id > ?1 AND id <= ?2 AND ${COUNTABLE}`;
/** Of these rows, those that no earlier run has rolled up. */
const NEW_BY_DAY = `${BY_DAY} AND timestamp < ?3 AND NOT (id <= ?4 AND timestamp < ?5) GROUP BY 1, 2, 3`;
const ALL_BY_DAY = `${BY_DAY} GROUP BY 1, 2, 3`;
const UPSERT_DAY = `
INSERT INTO token_time_series_daily (endpoint, model, date, input_tokens, output_tokens, total_tokens)
VALUES (?1, ?2, ?3, ?4, ?5, ?4 + ?5) ON CONFLICT (endpoint, model, date) DO UPDATE SET`;
const ADD_DAY = `${UPSERT_DAY}
  input_tokens = COALESCE(input_tokens, 0) + ?4,
  output_tokens = COALESCE(output_tokens, 0) + ?5,
  total_tokens = COALESCE(total_tokens, 0) + ?4 + ?5`;
const SET_DAY = `${UPSERT_DAY} input_tokens = ?4, output_tokens = ?5, total_tokens = ?4 + ?5`;
const STATE = 'SELECT state FROM router_daily WHERE endpoint = ? AND model = ? AND date = ?';
const REMEMBER = `
INSERT OR REPLACE INTO router_daily (endpoint, model, date, input_tokens, output_tokens, state)
SELECT endpoint, model, date, input_tokens, output_tokens, ${OWN} FROM token_time_series_daily
WHERE endpoint = ? AND model = ? AND date = ?`;
const FOREIGN_DAYS = `
SELECT endpoint, model, date, input_tokens AS input, output_tokens AS output FROM router_daily WHERE state <> ${OWN}`;
const BEGIN_ANEW = 'UPDATE router_daily SET state = ? WHERE endpoint = ? AND model = ? AND date = ?';
const DELETE_ROWS = `DELETE FROM token_time_series NOT INDEXED WHERE id > ? AND id <= ? AND timestamp < ? AND ${COUNTABLE}`;
const TABLE = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'token_time_series'";

/**
 * Sums the rows before a time (Unix seconds) per endpoint, model and day into token_time_series_daily, and deletes them
 * where they are to be trimmed. Gives how many rows of days it has written.
 *
 * A row is summed once, whatever runs there are: a run takes the rows up to an id and before a time; what earlier runs took
 * is such a corner too, of which only the largest id and time are to be kept. A run that was interrupted is finished first.
 * For when all rows are in the hours, which keep what is trimmed.
 */
export function* rollUp(database: Database, before: number, trim: boolean): Generator<undefined, number> {
  const written = new Set<string>();
  yield* finishRun(database, written);
  const through = lastId(database);
  yield* lookAtForeignDays(database, through);
  beginRun(database, through, before);
  yield* finishRun(database, written);
  if (trim) yield* trimRows(database, through, before);
  return written.size;
}

/** Rows that came late belong to a time that is summed already: they are taken with it, but trimmed only by `before`. */
function beginRun(database: Database, through: number, before: number): void {
  const rolledBefore = markOf(database, 'rolled_before');
  database.within(() => {
    setMeta(database, 'run_id', through);
    setMeta(database, 'run_before', Math.max(before, rolledBefore));
    setMeta(database, 'run_at', before <= rolledBefore ? markOf(database, 'rolled_id') : 0);
  });
}

function* finishRun(database: Database, written: Set<string>): Generator<undefined, void> {
  const runId = markOf(database, 'run_id');
  while (markOf(database, 'run_at') < runId) {
    database.within(() => rollChunk(database, runId, written));
    yield;
  }
  if (runId > 0) database.within(() => endRun(database, runId));
}

function rollChunk(database: Database, runId: number, written: Set<string>): void {
  const at = markOf(database, 'run_at');
  const end = chunkEnd(database, at, runId) ?? runId;
  const [before, rolledId, rolledBefore] = [
    markOf(database, 'run_before'),
    markOf(database, 'rolled_id'),
    markOf(database, 'rolled_before'),
  ];
  for (const group of database.all<Group>(NEW_BY_DAY, at, end, before, rolledId, rolledBefore)) {
    writeDay(database, group);
    written.add(keyOf(group));
  }
  setMeta(database, 'run_at', end);
}

function endRun(database: Database, runId: number): void {
  setMeta(database, 'rolled_id', runId);
  setMeta(database, 'rolled_before', markOf(database, 'run_before'));
  for (const key of ['run_id', 'run_before', 'run_at'] as const) forget(database, key);
}

function writeDay(database: Database, { endpoint, model, date, input, output }: Group): void {
  const anew = database.get<{ state: number }>(STATE, endpoint, model, date)?.state === ANEW;
  database.run(anew ? SET_DAY : ADD_DAY, endpoint, model, date, input, output);
  database.run(REMEMBER, endpoint, model, date);
}

/**
 * Nobody knows which rows the days of another program are made of. Where the rows that are left make no less than such a
 * day, none was deleted: the day is begun anew. Else it is made of deleted ones, and those that are left are added.
 */
function* lookAtForeignDays(database: Database, through: number): Generator<undefined, void> {
  const days = database.all<Group>(FOREIGN_DAYS);
  if (days.length === 0) return;
  const left = new Map(days.map((day) => [keyOf(day), 0]));
  for (let at = 0, end = chunkEnd(database, at, through); end !== undefined; end = chunkEnd(database, at, through)) {
    for (const group of database.all<Group>(ALL_BY_DAY, at, end)) {
      const sum = left.get(keyOf(group));
      if (sum !== undefined) left.set(keyOf(group), sum + group.input + group.output);
    }
    at = end;
    yield;
  }
  database.within(() => {
    for (const day of days) {
      const whole = (left.get(keyOf(day)) ?? 0) >= day.input + day.output;
      database.run(BEGIN_ANEW, whole ? ANEW : SEEN, day.endpoint, day.model, day.date);
    }
  });
}

function* trimRows(database: Database, through: number, before: number): Generator<undefined, void> {
  const last = reusesIds(database) ? through - 1 : through;
  for (let at = 0, end = chunkEnd(database, at, last); end !== undefined; end = chunkEnd(database, at, last)) {
    const until = end;
    const from = at;
    database.within(() => database.run(DELETE_ROWS, from, until, before));
    at = end;
    yield;
  }
}

/** SQLite gives the ids of deleted rows away again, unless told not to: then the newest row must stay. */
function reusesIds(database: Database): boolean {
  return !/\bAUTOINCREMENT\b/i.test(database.get<{ sql: string }>(TABLE)?.sql ?? '');
}

function keyOf({ endpoint, model, date }: Group): string {
  return JSON.stringify([endpoint, model, date]);
}
