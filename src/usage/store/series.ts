import { bucketFor, bucketStart, type Span } from './buckets.ts';
import type { Database } from './database.ts';
import { isBehind } from './hours.ts';
import type { Point, Series, SeriesQuery } from './messages.ts';
import { Points } from './points.ts';
import { addSeconds } from './seconds.ts';

const HOUR = 3_600;
const PATIENCE_MS = 500;
/** A list of names is one value. */
const OF_MODELS = 'model IN (SELECT value FROM json_each(?1))';
const KNOWN_SPAN = `
SELECT MIN(hour) AS first, MAX(hour) AS last, COUNT(DISTINCT endpoint) AS endpoints
FROM router_token_hours WHERE ${OF_MODELS} AND hour BETWEEN ?2 AND ?3`;
const FROM_HOURS = `
SELECT endpoint, hour - hour % CAST(?4 AS INTEGER) AS timestamp, SUM(input_tokens) AS inputTokens, SUM(output_tokens) AS outputTokens
FROM router_token_hours WHERE ${OF_MODELS} AND hour BETWEEN ?2 AND ?3 GROUP BY 1, 2`;

/**
 * What models spent over a time, in buckets. Those of whole hours come from the hours; finer ones, and the parts of hours at
 * the ends, from the rows by the second, and for hours whose rows are trimmed from the rest that the hour has. Throws
 * `BadQuestion` where the bucket does not fit the time.
 */
export function* seriesOf(
  database: Database,
  query: SeriesQuery,
  settled: () => boolean,
): Generator<undefined, Series> {
  const isComplete = () => settled() && !isBehind(database);
  // What was just counted is in the hours in no time; a long history from elsewhere is not waited for.
  const patientUntil = performance.now() + PATIENCE_MS;
  while (!isComplete() && performance.now() < patientUntil) yield;
  const complete = isComplete();
  const models = JSON.stringify(query.models);
  const span = spanOf(database, models, query);
  if (span === undefined) return { points: [], bucketSeconds: query.bucketSeconds ?? HOUR, complete };
  const bucketSeconds = bucketFor(span, query.bucketSeconds);
  const points = new Points(bucketSeconds);
  for (const part of partsOf(span, bucketSeconds)) {
    if (part.wholeHours) points.addAll(database.all<Point>(FROM_HOURS, models, part.from, part.to, bucketSeconds));
    else yield* addSeconds(database, models, part, points);
  }
  return { points: points.sorted(), bucketSeconds, complete };
}

/** The time that is asked for, as far as there is something in it. */
function spanOf(database: Database, models: string, { from, to }: SeriesQuery): Span | undefined {
  type Known = { readonly first: number | null; readonly last: number | null; readonly endpoints: number };
  const [start, end] = [from ?? 0, to ?? Number.MAX_SAFE_INTEGER];
  const known = database.get<Known>(KNOWN_SPAN, models, bucketStart(start, HOUR), end);
  if (known === undefined || known.first === null || known.last === null) return undefined;
  const { first, last, endpoints } = known;
  return { from: Math.max(start, first), to: Math.min(end, last + HOUR - 1), endpoints };
}

interface Part {
  readonly from: number;
  readonly to: number;
  readonly wholeHours: boolean;
}

/** The time in whole hours and what sticks out of them, where the bucket allows it. */
function partsOf({ from, to }: Span, bucket: number): Part[] {
  const firstWhole = Math.ceil(from / HOUR) * HOUR;
  const lastWhole = bucketStart(to + 1, HOUR) - 1;
  if (bucket % HOUR !== 0 || lastWhole < firstWhole) return [{ from, to, wholeHours: false }];
  const parts = [
    { from, to: firstWhole - 1, wholeHours: false },
    { from: firstWhole, to: lastWhole, wholeHours: true },
    { from: lastWhole + 1, to, wholeHours: false },
  ];
  return parts.filter((part) => part.from <= part.to);
}
