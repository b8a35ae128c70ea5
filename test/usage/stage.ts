import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Listing } from '../../src/domain/model.ts';
import { Ledger } from '../../src/usage/ledger.ts';
import { openStatistics, type Statistics, type StatisticsOptions } from '../../src/usage/statistics.ts';
import type { StoreState } from '../../src/usage/write-behind.ts';

/** A folder of its own, removed when its scope is left. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(path.join(tmpdir(), 'usage-'));

  file(name = 'token_counts.db'): string {
    return path.join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** A ledger and its statistics, closed when their scope is left. */
export interface Stage extends AsyncDisposable {
  readonly ledger: Ledger;
  readonly statistics: Statistics;
  /** What the operator was told. */
  readonly told: readonly StoreState[];
  /** Counts a request: input, then output tokens. */
  spend(model: string, input: number, output: number, more?: { endpoint?: string; estimated?: boolean }): void;
}

/** Opens statistics, of which no time is asked. `now`: milliseconds since the epoch, as the ledger sees them. */
export function openStage(
  file: string,
  { now, ...options }: Partial<StatisticsOptions> & { readonly now?: () => number } = {},
): Stage {
  const ledger = new Ledger(now);
  const told: StoreState[] = [];
  const onState = (state: StoreState) => told.push(state);
  const statistics = openStatistics({ path: file, ledger, requestRetentionMs: undefined, onState, ...options });
  return {
    ledger,
    statistics,
    told,
    spend: (model, input, output, { endpoint = 'http://a:1', estimated = false } = {}) =>
      ledger.record(listing(endpoint, model), {
        promptTokens: input,
        completionTokens: output,
        promptEstimated: estimated,
        completionEstimated: false,
      }),
    [Symbol.asyncDispose]: () => statistics.close(),
  };
}

export function listing(url: string, model: string): Listing {
  return {
    endpoint: { url, name: url, kind: 'ollama', base: url, cloud: false },
    model: { id: model, aliases: [], loaded: true },
  };
}

/** All of what one statement finds in a file. */
export function rowsOf(file: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

/** Does to a file what another program would do. */
export function change(file: string, sql: string): void {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** The whole of time, as fine as that allows. */
export function allOf(...models: string[]) {
  return { models, from: undefined, to: undefined, bucketSeconds: undefined };
}

/** The tables as the Python router makes them. */
export const REFERENCE_SCHEMA = `
CREATE TABLE token_counts (endpoint TEXT, model TEXT, input_tokens INTEGER DEFAULT 0, output_tokens INTEGER DEFAULT 0,
  total_tokens INTEGER DEFAULT 0, PRIMARY KEY (endpoint, model));
CREATE TABLE token_time_series (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT, input_tokens INTEGER,
  output_tokens INTEGER, total_tokens INTEGER, timestamp INTEGER,
  FOREIGN KEY (endpoint, model) REFERENCES token_counts (endpoint, model));
CREATE TABLE token_time_series_daily (id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT, model TEXT, date TEXT,
  input_tokens INTEGER, output_tokens INTEGER, total_tokens INTEGER, UNIQUE (endpoint, model, date));
`;
