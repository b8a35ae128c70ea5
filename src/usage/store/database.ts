import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** How long a statement waits for another process's lock, in milliseconds: batches are tried again. */
const BUSY_MS = 250;

/** An SQLite database whose statements are prepared once. Everything waits for the disk: for a thread of its own. */
export class Database implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    // Foreign keys are not enforced: a schema from elsewhere must not stop anything from being counted.
    this.#db = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: false });
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** The rows, which have what the statement names. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  /** The same, with values by name. */
  allNamed<Row>(sql: string, values: Record<string, SQLInputValue>): Row[] {
    return this.#prepared(sql).all(values) as Row[];
  }

  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values) as Row | undefined;
  }

  /** Gives how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** Does it in one transaction, or not at all. */
  within<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
