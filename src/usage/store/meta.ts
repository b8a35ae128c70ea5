import type { Database } from './database.ts';

/** Marks of how far the router has come with a file. */
type Key =
  /** The last batch that was written. */
  | 'last_batch'
  /** Rows of the time series up to this id are in the hours. */
  | 'hours_through'
  /** 1: the days that were there at first have been looked at. */
  | 'days_seen'
  /** Rows up to this id, and before this time, are in the days. */
  | 'rolled_id'
  | 'rolled_before'
  /** A roll-up under way: to which id and time, and how far it is. */
  | 'run_id'
  | 'run_before'
  | 'run_at';

/** A mark of the file; undefined where it was never set. */
export function metaOf(database: Database, key: Key): number | string | undefined {
  return database.get<{ value: number | string }>('SELECT value FROM router_meta WHERE key = ?', key)?.value;
}

/** The same, where it is a number; 0 where it was never set. */
export function markOf(database: Database, key: Key): number {
  return Number(metaOf(database, key) ?? 0);
}

export function setMeta(database: Database, key: Key, value: number | string): void {
  database.run('INSERT OR REPLACE INTO router_meta (key, value) VALUES (?, ?)', key, value);
}

export function forget(database: Database, key: Key): void {
  database.run('DELETE FROM router_meta WHERE key = ?', key);
}
