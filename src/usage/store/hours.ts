import type { Database } from './database.ts';
import { markOf, setMeta } from './meta.ts';
import { COUNTABLE, chunkEnd } from './rows.ts';

const EXISTS = 'SELECT EXISTS (SELECT 1 FROM token_time_series WHERE id > ?) AS more';
/** MIN and MAX of two values give NULL where one is. */
const ADD_HOURS = `
INSERT INTO router_token_hours (model, endpoint, hour, input_tokens, output_tokens, first_id, last_id)
SELECT model, endpoint, CAST(timestamp AS INTEGER) / 3600 * 3600,
  COALESCE(SUM(input_tokens), 0), COALESCE(SUM(output_tokens), 0), MIN(id), MAX(id)
FROM token_time_series NOT INDEXED WHERE id > ? AND id <= ? AND ${COUNTABLE} GROUP BY 1, 2, 3
ON CONFLICT (model, endpoint, hour) DO UPDATE SET
  input_tokens = input_tokens + excluded.input_tokens,
  output_tokens = output_tokens + excluded.output_tokens,
  first_id = COALESCE(MIN(first_id, excluded.first_id), first_id, excluded.first_id),
  last_id = COALESCE(MAX(last_id, excluded.last_id), last_id, excluded.last_id)`;

/** Whether rows of the time series, whoever wrote them, are not in the hours yet. */
export function isBehind(database: Database): boolean {
  return database.get<{ more: number }>(EXISTS, markOf(database, 'hours_through'))?.more === 1;
}

/**
 * Adds the next rows of the time series to the hours, and notes how far that is in the same transaction: a history from
 * elsewhere, what another process wrote in between and what was just counted are all the same to it.
 */
function addToHours(database: Database): void {
  database.within(() => {
    const through = markOf(database, 'hours_through');
    const end = chunkEnd(database, through, Number.MAX_SAFE_INTEGER);
    if (end === undefined) return;
    database.run(ADD_HOURS, through, end);
    setMeta(database, 'hours_through', end);
  });
}

/** Adds all that is missing, chunk by chunk. */
export function* catchUp(database: Database): Generator<undefined, void> {
  while (isBehind(database)) {
    addToHours(database);
    yield;
  }
}
