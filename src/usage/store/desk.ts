import type { TokenCount } from '../ledger.ts';
import type { Database } from './database.ts';
import { seeDays } from './days.ts';
import { failureOf, isCorrupt, isReadOnly } from './faults.ts';
import { catchUp } from './hours.ts';
import { type Job, Jobs } from './jobs.ts';
import type { Batch, Calls, OpenOptions, Operation, Question, Reply } from './messages.ts';
import { identityOf, isFile, type Opening, openDatabase, setAside } from './open-database.ts';
import { findRequest, listRequests, purgeRequests } from './requests.ts';
import { rollUp } from './roll-up.ts';
import { seriesOf } from './series.ts';
import { writeBatch } from './write-batch.ts';

type Answer = Calls[Operation]['answer'];

const PURGE_EVERY_MS = 3_600_000;
/** Until work in the background that failed is tried again, in milliseconds. */
const AGAIN_MS = 2_000;

/** Answers what the router asks of its database: batches at once, what takes long in steps between them. */
export class Desk {
  readonly #send: (reply: Reply) => void;
  readonly #jobs = new Jobs();
  #options: OpenOptions | undefined;
  #database: Database | undefined;
  /** Of the file that is open. */
  #identity: string | undefined;
  /** The hours have everything that the file had when it was opened. */
  #settled = false;
  #keepingUp = false;
  #rollingUp = false;
  #purging: NodeJS.Timeout | undefined;
  readonly #again = new Set<NodeJS.Timeout>();

  constructor(send: (reply: Reply) => void) {
    this.#send = send;
  }

  take(question: Question): void {
    try {
      this.#do(question);
    } catch (error) {
      this.#fail(question.number, error);
    }
  }

  #do({ number, name, ask }: Question): void {
    const send = (answer: Answer) => this.#send({ number, answer });
    const inSteps = (job: Job<Answer>) => this.#jobs.start(job, send, (error) => this.#fail(number, error));
    switch (name) {
      case 'open':
        this.#open(number, ask);
        break;
      case 'write':
        send(this.#write(ask));
        break;
      case 'series':
        inSteps(seriesOf(this.#opened(), ask, () => this.#settled));
        break;
      case 'aggregate':
        inSteps(this.#aggregate(this.#opened(), ask.before, ask.trim));
        break;
      case 'findRequest':
        send(findRequest(this.#opened(), ask.id));
        break;
      case 'listRequests':
        send(listRequests(this.#opened(), ask));
        break;
      case 'close':
        send(this.#close());
        break;
    }
  }

  #open(number: number, options: OpenOptions): void {
    this.#options = options;
    this.#database?.[Symbol.dispose]();
    const { database, counts, error } = this.#opening(options);
    if (database === undefined) this.#fail(number, error, counts);
    else this.#send({ number, answer: { counts } });
  }

  #write(batch: Batch): null {
    this.#checkFile();
    writeBatch(this.#opened(), batch);
    this.#keepUp();
    return null;
  }

  /** One at a time; its answer waits for a history that is still being read. */
  *#aggregate(database: Database, before: number, trim: boolean): Job<number> {
    while (this.#rollingUp) yield;
    this.#rollingUp = true;
    try {
      yield* this.#settle(database);
      return yield* rollUp(database, before, trim);
    } finally {
      this.#rollingUp = false;
    }
  }

  #close(): null {
    clearInterval(this.#purging);
    for (const timer of this.#again) clearTimeout(timer);
    this.#disconnect();
    this.#options = undefined;
    return null;
  }

  /** The database; its file is opened anew where the last one had to be given up. */
  #opened(): Database {
    if (this.#database !== undefined) return this.#database;
    if (this.#options === undefined) throw new Error('the database is closed');
    const { database, error } = this.#opening(this.#options);
    if (database === undefined) throw error;
    return database;
  }

  #opening({ path, maxPages }: OpenOptions): Opening {
    const first = openDatabase(path, maxPages);
    const opening = first.error !== undefined && this.#setAside(first.error) ? openDatabase(path, maxPages) : first;
    this.#database = opening.database;
    this.#identity = identityOf(path);
    if (opening.database !== undefined) this.#begin();
    return opening;
  }

  #begin(): void {
    this.#settled = false;
    this.#keepUp();
    this.#purge();
    clearInterval(this.#purging);
    this.#purging = setInterval(() => this.#purge(), PURGE_EVERY_MS);
  }

  /** Brings the hours up to date, in the background. */
  #keepUp(): void {
    if (this.#database === undefined || this.#keepingUp) return;
    this.#keepingUp = true;
    const ended = () => {
      this.#keepingUp = false;
    };
    this.#inBackground(this.#settle(this.#database), ended, () => this.#keepUp());
  }

  *#settle(database: Database): Job<void> {
    yield* catchUp(database);
    if (this.#settled) return;
    yield* seeDays(database);
    if (database === this.#database) this.#settled = true;
  }

  #purge(): void {
    const keep = this.#options?.requestRetentionMs;
    if (this.#database === undefined || keep === undefined) return;
    this.#inBackground(
      purgeRequests(this.#database, Date.now() - keep),
      () => {},
      () => this.#purge(),
    );
  }

  /** What fails is tried again later: nobody waits for it, and what writes batches tells the trouble. */
  #inBackground(job: Job<void>, ended: () => void, again: () => void): void {
    const failed = (error: unknown) => {
      ended();
      this.#lookAt(error);
      const timer = setTimeout(() => {
        this.#again.delete(timer);
        again();
      }, AGAIN_MS);
      this.#again.add(timer);
    };
    this.#jobs.start(job, ended, failed);
  }

  #fail(number: number, error: unknown, counts?: readonly TokenCount[]): void {
    this.#send({ number, failure: { ...failureOf(this.#lookAt(error)), counts } });
  }

  /** Sets a file aside where the error says that it is corrupt. Gives the error that is to be told. */
  #lookAt(error: unknown): unknown {
    if (isReadOnly(error)) this.#disconnect();
    try {
      this.#setAside(error);
      return error;
    } catch (worse) {
      return worse;
    }
  }

  /** A file that was removed or put in place of ours, which SQLite does not notice. Throws where there is one. */
  #checkFile(): void {
    const path = this.#options?.path;
    if (this.#database === undefined || path === undefined || this.#identity === identityOf(path)) return;
    this.#disconnect();
    this.#send({
      replaced: 'the file was removed or replaced: what was counted is written to the one that is there now',
    });
    throw new Error('the file was removed or replaced');
  }

  #disconnect(): void {
    this.#database?.[Symbol.dispose]();
    this.#database = undefined;
  }

  #setAside(error: unknown): boolean {
    const path = this.#options?.path;
    if (path === undefined || !isFile(path) || !isCorrupt(error)) return false;
    this.#database?.[Symbol.dispose]();
    this.#database = undefined;
    const said = failureOf(error).message;
    try {
      this.#send({ replaced: `the file was corrupt (${said}): it is set aside as ${setAside(path)}` });
      return true;
    } catch (cause) {
      throw new Error(`the file is corrupt (${said}) and cannot be set aside (${failureOf(cause).message})`, { cause });
    }
  }
}
