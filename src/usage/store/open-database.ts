import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import type { TokenCount } from '../ledger.ts';
import { Database } from './database.ts';
import { isCorrupt } from './faults.ts';
import { IN_MEMORY } from './messages.ts';
import { SCHEMA } from './schema.ts';

const COUNTS = countsQuery('0', '');
const COUNTS_WITH_ESTIMATES = countsQuery(
  wholeNumber('e.input_tokens'),
  'LEFT JOIN router_estimates e ON e.endpoint = c.endpoint AND e.model = c.model',
);

/** A database that is ready to be written, or at least what it counts and why it cannot be. */
export type Opening =
  | { readonly database: Database; readonly counts: TokenCount[]; readonly error?: undefined }
  | { readonly database: undefined; readonly counts: TokenCount[] | undefined; readonly error: unknown };

/** Opens the file, and makes it, its folder and its tables where they are missing. */
export function openDatabase(file: string, maxPages: number | undefined): Opening {
  let database: Database | undefined;
  let counts: TokenCount[] | undefined;
  try {
    if (file !== IN_MEMORY) makeFolder(path.dirname(path.resolve(file)));
    database = new Database(file === IN_MEMORY ? file : path.resolve(file));
    counts = countsIn(database);
    prepare(database, maxPages);
    return { database, counts };
  } catch (error) {
    database?.[Symbol.dispose]();
    return { database: undefined, counts: isCorrupt(error) ? undefined : counts, error };
  }
}

/** Renames a corrupt file, and what belongs to it, out of the way; gives the new name. */
export function setAside(file: string): string {
  const stamp = new Date().toISOString().replace(/[-:.]/g, '');
  const aside = `${path.resolve(file)}.corrupt-${stamp}`;
  for (const suffix of ['', '-wal', '-shm', '-journal'])
    if (existsSync(path.resolve(file) + suffix)) renameSync(path.resolve(file) + suffix, aside + suffix);
  return aside;
}

/** Whether there is a file that could be set aside. */
export function isFile(file: string): boolean {
  return file !== IN_MEMORY;
}

/** What tells a file from another one of the same name; undefined where there is none, or it is in memory. */
export function identityOf(file: string): string | undefined {
  if (file === IN_MEMORY) return undefined;
  const stat = statSync(path.resolve(file), { throwIfNoEntry: false });
  return stat && `${stat.dev}:${stat.ino}`;
}

/** Node's own way never ends where a folder that is there lets none be made in it, as `/proc`. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  mkdirSync(folder);
}

function countsIn(database: Database): TokenCount[] {
  const tables = database.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
  const has = (table: string) => tables.some(({ name }) => name.toLowerCase() === table);
  if (!has('token_counts')) return [];
  return database.all<TokenCount>(has('router_estimates') ? COUNTS_WITH_ESTIMATES : COUNTS);
}

function countsQuery(estimated: string, joined: string): string {
  return `
SELECT c.endpoint, c.model, ${wholeNumber('c.input_tokens')} AS inputTokens, ${wholeNumber('c.output_tokens')} AS outputTokens,
  ${estimated} AS estimatedInputTokens
FROM token_counts c ${joined} WHERE c.endpoint IS NOT NULL AND c.model IS NOT NULL`;
}

/** Columns of SQLite hold what they are given: texts, and more than a number of ours can. */
function wholeNumber(column: string): string {
  return `MIN(CAST(COALESCE(${column}, 0) AS INTEGER), ${Number.MAX_SAFE_INTEGER})`;
}

function prepare(database: Database, maxPages: number | undefined): void {
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864');
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
  database.within(() => database.exec(SCHEMA));
}
