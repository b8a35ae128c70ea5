import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Database } from '../../../src/usage/store/database.ts';
import { rollUp } from '../../../src/usage/store/roll-up.ts';
import { end, insert, openScratch, type Spent, series, settle, write } from './scratch.ts';

interface Run {
  readonly before: number;
  readonly trim: boolean;
  /** After so many steps. */
  readonly breaksOff: number | undefined;
}

type Step =
  | { readonly do: 'write' | 'insert'; readonly rows: readonly Spent[] }
  | (Run & { readonly do: 'roll' })
  | { readonly do: 'settle' };

const HOUR = 3_600;
const DAY = 86_400;
/** Some days around the turn of a year. */
const START = Date.UTC(2025, 11, 29) / 1_000;
const second = fc.oneof(
  fc.integer({ min: START, max: START + 4 * DAY }),
  // Close together, and at the edges of hours and days.
  fc.integer({ min: START + DAY - 3, max: START + DAY + 3 }),
);
const row = fc.record({
  endpoint: fc.constantFrom('a', 'b'),
  model: fc.constantFrom('m', 'n'),
  second,
  input: fc.integer({ min: 0, max: 1_000 }),
  output: fc.integer({ min: 1, max: 1_000 }),
});
const rows = fc.array(row, { maxLength: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('write' as const, 'insert' as const), rows }),
  fc.record({
    do: fc.constant('roll' as const),
    before: second,
    trim: fc.boolean(),
    breaksOff: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 2 }),
  }),
  fc.record({ do: fc.constant('settle' as const) }),
);

test('however often rows are rolled up, trimmed and broken off: no token is lost and none counted twice', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      using database = openScratch();
      settle(database);
      const known: Spent[] = [];
      for (const now of steps) {
        if (now.do === 'settle') settle(database);
        else if (now.do === 'roll') roll(database, now, known);
        else {
          known.push(...now.rows);
          const put = now.do === 'write' ? write : insert;
          put(database, now.rows);
        }
        checkSeries(database, known);
      }
      roll(database, { before: START + 10 * DAY, trim: true, breaksOff: undefined }, known);
      assert.deepEqual(daysIn(database), sumsOf(known, DAY), 'at last all is in the days, once');
      assert.equal(end(rollUp(database, START + 10 * DAY, true)), 0);
      assert.deepEqual(database.all('SELECT * FROM token_time_series'), []);
      checkSeries(database, known);
    }),
    { numRuns: 300 },
  );
});

test('a history of the Python router is counted once, whatever it has rolled up and trimmed, and whatever comes after', () => {
  const runs = fc.array(fc.record({ day: fc.integer({ min: 0, max: 5 }), trim: fc.boolean() }), { maxLength: 3 });
  const later = fc.array(step, { maxLength: 8 });
  fc.assert(
    fc.property(rows, runs, rows, later, (history, earlier, rest, steps) => {
      using database = openScratch();
      insert(database, history);
      for (const { day, trim } of earlier) referenceRolls(database, START + day * DAY, trim);
      settle(database);
      checkDays(database, history);
      const known = [...history, ...rest];
      insert(database, rest);
      for (const now of steps) {
        if (now.do === 'roll') roll(database, now, known);
        checkDays(database, known);
      }
      roll(database, { before: START + 10 * DAY, trim: true, breaksOff: undefined }, known);
      assert.deepEqual(daysIn(database), sumsOf(known, DAY));
      checkDays(database, known);
    }),
    { numRuns: 500 },
  );
});

test('the series of any time and bucket are those of the rows, while none is trimmed', () => {
  const query = fc.record({
    models: fc.subarray(['m', 'n'], { minLength: 1 }),
    from: fc.option(second, { nil: undefined }),
    to: fc.option(second, { nil: undefined }),
    bucketSeconds: fc.constantFrom(60, 300, 1_000, HOUR, 2 * HOUR, DAY, 7 * DAY),
  });
  fc.assert(
    fc.property(fc.array(rows, { maxLength: 4 }), fc.array(query, { maxLength: 8 }), (batches, queries) => {
      using database = openScratch();
      for (const batch of batches) write(database, batch);
      for (const { models, from = 0, to = Number.MAX_SAFE_INTEGER, bucketSeconds } of queries) {
        const meant = batches
          .flat()
          .filter((each) => models.includes(each.model) && each.second >= from && each.second <= to)
          .map((each) => ({ ...each, model: '' }));
        const { points } = series(database, { models, from, to, bucketSeconds });
        assert.deepEqual(
          new Map(
            points.map((point) => [
              keyOf(point.endpoint, '', point.timestamp),
              [point.inputTokens, point.outputTokens],
            ]),
          ),
          sumsOf(meant, bucketSeconds),
        );
        const order = points.map(({ timestamp, endpoint }) => `${String(timestamp).padStart(12)} ${endpoint}`);
        assert.deepEqual(order, order.toSorted());
      }
    }),
    { numRuns: 300 },
  );
});

/** Rolls up, or breaks off as if the process was killed between two steps. */
function roll(database: Database, run: Run, known: readonly Spent[]): void {
  settle(database);
  const job = rollUp(database, run.before, run.trim);
  if (run.breaksOff !== undefined) {
    for (let i = 0; i < run.breaksOff; i++) if (job.next().done === true) break;
    return;
  }
  end(job);
  const isPast = (start: number) => start + DAY <= run.before;
  const past = known.filter((each) => isPast(each.second - (each.second % DAY)));
  const days = new Map([...daysIn(database)].filter(([key]) => isPast(Number(key.split(' ')[2]))));
  assert.deepEqual(days, sumsOf(past, DAY), 'days that are over have everything, once');
  if (!run.trim) return;
  assert.deepEqual(database.all('SELECT * FROM token_time_series WHERE timestamp < ?', run.before), []);
}

/** As a program does that keeps no note of what it has summed: days that are over, summed from what rows there are. */
function referenceRolls(database: Database, before: number, trim: boolean): void {
  database.exec(`
    INSERT INTO token_time_series_daily (endpoint, model, date, input_tokens, output_tokens, total_tokens)
    SELECT endpoint, model, date(timestamp, 'unixepoch'), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens)
    FROM token_time_series WHERE timestamp < ${before} GROUP BY 1, 2, 3
    ON CONFLICT (endpoint, model, date) DO UPDATE SET input_tokens = excluded.input_tokens,
      output_tokens = excluded.output_tokens, total_tokens = excluded.total_tokens`);
  if (trim) database.exec(`DELETE FROM token_time_series WHERE timestamp < ${before}`);
}

/** Where in its day something was that another program has trimmed, nobody knows. */
function checkDays(database: Database, known: readonly Spent[]): void {
  settle(database);
  const found = ['m', 'n'].flatMap((model) =>
    series(database, { models: [model], bucketSeconds: DAY }).points.map((point) => {
      return [keyOf(point.endpoint, model, point.timestamp), [point.inputTokens, point.outputTokens]] as const;
    }),
  );
  assert.deepEqual(new Map(found), sumsOf(known, DAY));
}

/** Hours and days are exact whatever was trimmed; finer buckets keep the sum. */
function checkSeries(database: Database, known: readonly Spent[]): void {
  settle(database);
  for (const model of ['m', 'n']) {
    const meant = known.filter((each) => each.model === model);
    for (const bucketSeconds of [HOUR, DAY]) {
      const { points } = series(database, { models: [model], bucketSeconds });
      const found = points.map(
        (point) => [keyOf(point.endpoint, model, point.timestamp), [point.inputTokens, point.outputTokens]] as const,
      );
      assert.deepEqual(new Map(found), sumsOf(meant, bucketSeconds));
    }
    const { points } = series(database, { models: [model], bucketSeconds: 60 });
    const sum = points.reduce((total, { inputTokens, outputTokens }) => total + inputTokens + outputTokens, 0);
    assert.equal(
      sum,
      meant.reduce((total, { input, output }) => total + input + output, 0),
    );
  }
}

function daysIn(database: Database): Map<string, [number, number]> {
  type Day = { endpoint: string; model: string; start: number; input: number; output: number; total: number };
  const days = database.all<Day>(`
    SELECT endpoint, model, CAST(strftime('%s', date) AS INTEGER) AS start, input_tokens AS input, output_tokens AS output,
      total_tokens AS total FROM token_time_series_daily`);
  for (const { input, output, total } of days) assert.equal(total, input + output);
  return new Map(
    days.map(({ endpoint, model, start, input, output }) => [keyOf(endpoint, model, start), [input, output]]),
  );
}

function sumsOf(spent: readonly Spent[], bucket: number): Map<string, [number, number]> {
  const sums = new Map<string, [number, number]>();
  for (const { endpoint, model, second: at, input, output } of spent) {
    const key = keyOf(endpoint, model, at - (at % bucket));
    const [inputs, outputs] = sums.get(key) ?? [0, 0];
    sums.set(key, [inputs + input, outputs + output]);
  }
  return sums;
}

function keyOf(endpoint: string, model: string, start: number): string {
  return `${endpoint} ${model} ${start}`;
}
