import type { Database } from './database.ts';
import { markOf, setMeta } from './meta.ts';
import { COUNTABLE } from './rows.ts';

/** A row of token_time_series_daily that is new or was changed by somebody else. */
interface Day {
  readonly id: number;
  readonly endpoint: string;
  readonly model: string;
  readonly date: string;
  readonly input: number;
  readonly output: number;
  /** Midnight in Unix seconds; null where the date is none. */
  readonly start: number | null;
  /** Whether the router has seen it with other values. */
  readonly seen: number;
}

interface Sums {
  readonly input: number;
  readonly output: number;
}

/** States of a row: another program's; looked at, and to be begun anew; the router's own, to which it only adds. */
export const SEEN = 0;
export const ANEW = 1;
export const OWN = 2;

const AT_ONCE = 500;
const DAY = 86_400;

const STRANGE_DAYS = `
SELECT d.id, d.endpoint, d.model, d.date, COALESCE(d.input_tokens, 0) AS input, COALESCE(d.output_tokens, 0) AS output,
  CAST(strftime('%s', d.date) AS INTEGER) AS start, k.date IS NOT NULL AS seen
FROM token_time_series_daily d
LEFT JOIN router_daily k ON k.endpoint = d.endpoint AND k.model = d.model AND k.date = d.date
WHERE d.id > ? AND d.endpoint IS NOT NULL AND d.model IS NOT NULL AND d.date IS NOT NULL
  AND (k.date IS NULL OR k.input_tokens <> COALESCE(d.input_tokens, 0) OR k.output_tokens <> COALESCE(d.output_tokens, 0))
ORDER BY d.id LIMIT ${AT_ONCE}`;
const REMEMBER = `
INSERT INTO router_daily (endpoint, model, date, input_tokens, output_tokens, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (endpoint, model, date) DO UPDATE SET input_tokens = ?4, output_tokens = ?5`;
const IN_HOURS = `
SELECT COALESCE(SUM(input_tokens), 0) AS input, COALESCE(SUM(output_tokens), 0) AS output,
  MIN(first_id) AS first, MAX(last_id) AS last
FROM router_token_hours WHERE model = ? AND endpoint = ? AND hour >= ? AND hour < ?`;
const IN_ROWS = `
SELECT COALESCE(SUM(input_tokens), 0) AS input, COALESCE(SUM(output_tokens), 0) AS output FROM token_time_series NOT INDEXED
WHERE id >= ? AND id <= ? AND model = ? AND endpoint = ? AND timestamp >= ? AND timestamp < ? AND ${COUNTABLE}`;
const ADD_TO_HOUR = `
INSERT INTO router_token_hours (model, endpoint, hour, input_tokens, output_tokens) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (model, endpoint, hour) DO UPDATE SET input_tokens = input_tokens + ?4, output_tokens = output_tokens + ?5`;

/**
 * Adds to the hours what the daily rows of another program know and the time series does not tell any more. Each row is
 * looked at once, and again when somebody else has changed it. For when all rows are in the hours.
 */
export function* seeDays(database: Database): Generator<undefined, void> {
  const first = markOf(database, 'days_seen') === 0;
  let after = 0;
  for (;;) {
    const days = database.all<Day>(STRANGE_DAYS, after);
    if (days.length === 0) break;
    database.within(() => {
      for (const day of days) see(database, day, first);
    });
    after = days.at(-1)?.id ?? after;
    yield;
  }
  if (first) setMeta(database, 'days_seen', 1);
}

/** What is left of a day whose rows were deleted is not in it, nor is what will come: the roll-up only adds to it. */
function see(database: Database, day: Day, first: boolean): void {
  const { endpoint, model, date, input, output, start } = day;
  const isTrimmed = start !== null && credit(database, day, start, first);
  database.run(REMEMBER, endpoint, model, date, input, output, isTrimmed ? OWN : SEEN);
}

/** Gives whether rows of the day were deleted before the router saw them, as far as that shows. */
function credit(database: Database, day: Day, start: number, first: boolean): boolean {
  const { endpoint, model } = day;
  type Found = Sums & { readonly first: number | null; readonly last: number | null };
  const counted = database.get<Found>(IN_HOURS, model, endpoint, start, start + DAY);
  if (counted === undefined || total(counted) >= total(day)) return false;
  // A day that was summed before the router first saw the file has in its hours the rows that are left, and nothing else.
  const { first: firstId, last: lastId } = counted;
  const left = first ? counted : database.get<Sums>(IN_ROWS, firstId, lastId, model, endpoint, start, start + DAY);
  const missing = missingOf(day, counted, left);
  if (total(missing) > 0) database.run(ADD_TO_HOUR, model, endpoint, start, missing.input, missing.output);
  return true;
}

/**
 * A day with more tokens than its rows that are left was summed before they came, and the rows it was made of are deleted:
 * the day and what is left make the whole. One that the router has known before only grew.
 */
function missingOf(day: Day, counted: Sums, left: Sums | undefined): Sums {
  const apart = day.seen === 0 && left !== undefined;
  return {
    input: Math.max(0, day.input + (apart ? left.input : 0) - counted.input),
    output: Math.max(0, day.output + (apart ? left.output : 0) - counted.output),
  };
}

function total({ input, output }: Sums): number {
  return input + output;
}
