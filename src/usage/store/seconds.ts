import { bucketStart } from './buckets.ts';
import type { Database } from './database.ts';
import type { Point } from './messages.ts';
import { Points } from './points.ts';
import { COUNTABLE, chunkEnd } from './rows.ts';

interface Hour extends Point {
  readonly firstId: number | null;
  readonly lastId: number | null;
}

interface Ids {
  readonly first: number;
  readonly last: number;
}

const HOUR = 3_600;
const OF_MODELS = 'model IN (SELECT value FROM json_each(?1))';
const HOURS = `
SELECT endpoint, hour AS timestamp, SUM(input_tokens) AS inputTokens, SUM(output_tokens) AS outputTokens,
  MIN(first_id) AS firstId, MAX(last_id) AS lastId
FROM router_token_hours WHERE ${OF_MODELS} AND hour BETWEEN ?2 AND ?3 GROUP BY 1, 2`;
const SECONDS = `
SELECT endpoint, CAST(timestamp AS INTEGER) AS timestamp,
  COALESCE(SUM(input_tokens), 0) AS inputTokens, COALESCE(SUM(output_tokens), 0) AS outputTokens
FROM token_time_series NOT INDEXED
WHERE id > ?2 AND id <= ?3 AND ${OF_MODELS} AND timestamp >= ?4 AND timestamp < ?5 AND ${COUNTABLE} GROUP BY 1, 2`;

/**
 * Adds what models (a JSON array of names) spent from one second to another to the points, from the rows by the second. What
 * an hour has beyond its rows, because they are trimmed, is added at its start. The hours are read first: a row that comes
 * meanwhile is not in the answer, and one that is trimmed meanwhile is in the rest of its hour.
 */
export function* addSeconds(
  database: Database,
  models: string,
  { from, to }: { readonly from: number; readonly to: number },
  points: Points,
): Generator<undefined, void> {
  const [firstHour, lastHour] = [bucketStart(from, HOUR), bucketStart(to, HOUR)];
  const hours = database.all<Hour>(HOURS, models, firstHour, lastHour);
  const found = new Points(HOUR);
  for (const { first, last } of mergedIds(hours)) {
    for (
      let at = first - 1, end = chunkEnd(database, at, last);
      end !== undefined;
      end = chunkEnd(database, at, last)
    ) {
      for (const point of database.all<Point>(SECONDS, models, at, end, firstHour, lastHour + HOUR)) {
        found.add(point);
        if (point.timestamp >= from && point.timestamp <= to) points.add(point);
      }
      at = end;
      yield;
    }
  }
  for (const hour of hours) if (hour.timestamp >= from) points.addAll(restOf(hour, found));
}

/** Where the hours' rows are, so that none is read twice: clocks that were set back make the hours overlap. */
function mergedIds(hours: readonly Hour[]): Ids[] {
  const all = hours.flatMap(({ firstId, lastId }) =>
    firstId === null || lastId === null ? [] : [{ first: firstId, last: lastId }],
  );
  const merged: Ids[] = [];
  for (const { first, last } of all.sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before === undefined || first > before.last + 1) merged.push({ first, last });
    else merged[merged.length - 1] = { first: before.first, last: Math.max(before.last, last) };
  }
  return merged;
}

function restOf({ endpoint, timestamp, inputTokens, outputTokens }: Hour, found: Points): Point[] {
  const rows = found.at(endpoint, timestamp);
  const rest = {
    endpoint,
    timestamp,
    inputTokens: Math.max(0, inputTokens - (rows?.inputTokens ?? 0)),
    outputTokens: Math.max(0, outputTokens - (rows?.outputTokens ?? 0)),
  };
  return rest.inputTokens + rest.outputTokens > 0 ? [rest] : [];
}
