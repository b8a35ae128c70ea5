import { randomUUID } from 'node:crypto';
import { Alarm } from './alarm.ts';
import type { Ledger, Spending, TokenCount } from './ledger.ts';
import { missingFrom } from './missing-counts.ts';
import {
  type Batch,
  type Calls,
  type Failure,
  IN_MEMORY,
  type OpenOptions,
  type Operation,
  type StoredRequest,
} from './store/messages.ts';
import { StoreFailure, StoreThread } from './store-thread.ts';
import { within } from './within.ts';

/** How the store is. `detail`: what is wrong, or what the operator is to know although all is well. */
export interface StoreState {
  readonly status: 'opening' | 'ok' | 'error';
  readonly detail?: string;
}

export interface WriteBehindOptions extends OpenOptions {
  readonly ledger: Ledger;
  /** Told every change of state once. */
  readonly onState: (state: StoreState) => void;
  /** The thread of the database; another one in tests. */
  readonly worker: URL | undefined;
}

/** How long tokens wait to be written: what is lost when the process is killed. In milliseconds, as all below. */
const BEHIND_MS = 500;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** Another process may write for so long before that is trouble. */
const LOCK_PATIENCE_MS = 2_000;
/** At the end, a lock is waited for; other troubles do not pass in seconds. */
const ATTEMPTS_TO_END = 3;
/** Bounds of one batch, which is copied from thread to thread in one piece. */
const MOST_SPENDINGS = 2_000;
const MOST_REQUESTS = 500;
/** Without a file, spendings that wait for somebody to ask. */
const PENDING_IN_MEMORY = 5_000;
/** Requests that wait to be written; beyond that the oldest are dropped, so many at once. */
const MAX_REQUESTS = 5_000;
const DROPPED_AT_ONCE = 500;

/**
 * Brings what the ledger counts into the database, behind the requests: one batch at a time, tried again until it is
 * written. What is not written is in memory, within bounds.
 */
export class WriteBehind {
  /** Resolves when the history of the file is in the ledger, or the first attempt to read it has failed. */
  readonly ready: Promise<void>;
  /** Requests that were not kept, because the database could not be written for too long. */
  dropped = 0;
  readonly #options: WriteBehindOptions;
  readonly #ledger: Ledger;
  /** There is something to do. */
  readonly #work = new Alarm();
  /** It is to be done at once. */
  readonly #haste = new Alarm();
  readonly #process = randomUUID();
  readonly #ended: Promise<void>;
  #tellReady: () => void = () => {};
  #state: StoreState = { status: 'opening' };
  #thread: StoreThread | undefined;
  #open = false;
  #historyRead = false;
  #batches = 0;
  #inFlight: Batch | undefined;
  #requests: StoredRequest[] = [];
  /** What a lost file had counted. */
  #lost: readonly TokenCount[] = [];
  #flushers: ((written: boolean) => void)[] = [];
  #failures = 0;
  #failingSince: number | undefined;
  /** What the operator is to know of a file that works again. */
  #note: string | undefined;
  #closeBy: number | undefined;
  #attemptsToEnd = 0;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.ready = new Promise((resolve) => {
      this.#tellReady = resolve;
    });
    this.#ledger.onPending = () => this.#work.call();
    if (this.#waitsForUse) {
      this.#state = { status: 'ok' };
      this.#tellReady();
    }
    this.#ended = this.#run();
  }

  get state(): StoreState {
    return this.#state;
  }

  /** What is counted and not known to be written. */
  get unwritten(): Spending[] {
    return [...(this.#inFlight?.spendings ?? []), ...this.#ledger.pending];
  }

  /** Keeps a request with the next batch. */
  keep(request: StoredRequest): void {
    if (this.#requests.length >= MAX_REQUESTS) this.dropped += this.#requests.splice(0, DROPPED_AT_ONCE).length;
    if (this.#requests.push(request) === 1) this.#work.call();
  }

  /** Resolves when all that was counted until now is written: true, or when an attempt has failed: false. */
  flush(): Promise<boolean> {
    if (this.#closeBy !== undefined || !(this.#open || this.#waitsForUse)) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#flushers.push(resolve);
      this.#hurry();
    });
  }

  /** Rejects with `StoreFailure`. */
  ask<Name extends Operation>(name: Name, ask: Calls[Name]['ask']): Promise<Calls[Name]['answer']> {
    if (this.#thread !== undefined && this.#open) return this.#thread.ask(name, ask);
    const message = this.#state.detail ?? 'the statistics are not open';
    return Promise.reject(new StoreFailure({ kind: 'failed', message }));
  }

  /** Writes what is left, tries for so many milliseconds, and ends. */
  async close(limitMs: number): Promise<void> {
    this.#closeBy ??= performance.now() + limitMs;
    this.#hurry();
    if ((await within(this.#ended, limitMs, 'late')) === 'late') void this.#thread?.terminate();
    if (this.#options.path === IN_MEMORY) return;
    const tokens = this.unwritten.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0);
    if (tokens > 0) this.#change({ status: 'error', detail: `${tokens} tokens could not be written before the end` });
  }

  async #run(): Promise<void> {
    while (!this.#isOver()) {
      const isAsked = this.#flushers.length > 0;
      if (!isAsked && !this.#hasWork && (this.#open || this.#waitsForUse)) await this.#work.wait();
      else {
        if (!isAsked && (this.#open || this.#waitsForUse)) await this.#haste.wait(BEHIND_MS);
        await (this.#open ? this.#tryWriting() : this.#tryOpening());
      }
    }
    this.#answerFlushers(this.#flushers.splice(0), false);
    await this.#thread?.ask('close', null).catch(() => {});
    await this.#thread?.terminate();
  }

  #isOver(): boolean {
    if (this.#closeBy === undefined) return false;
    const isVain = this.#attemptsToEnd >= ATTEMPTS_TO_END || performance.now() > this.#closeBy;
    return isVain || !this.#hasWork || this.#options.path === IN_MEMORY;
  }

  /** Without a file there is no history to be read, and the thread is not needed before somebody asks or it gets much. */
  get #waitsForUse(): boolean {
    return this.#options.path === IN_MEMORY && !this.#historyRead;
  }

  get #hasWork(): boolean {
    const { length } = this.#ledger.pending;
    if (this.#waitsForUse && length < PENDING_IN_MEMORY && this.#requests.length === 0) return false;
    return this.#inFlight !== undefined || length > 0 || this.#requests.length > 0 || this.#lost.length > 0;
  }

  #hurry(): void {
    this.#work.call();
    this.#haste.call();
  }

  async #tryOpening(): Promise<void> {
    const { path, requestRetentionMs, maxPages, worker } = this.#options;
    try {
      this.#thread ??= new StoreThread({ replaced: (text) => this.#replaced(text), ended: () => this.#gone() }, worker);
      const thread = this.#thread;
      const { counts } = await thread.ask('open', { path, requestRetentionMs, maxPages });
      this.#takeHistory(counts);
      // It may have ended since it answered.
      this.#open = this.#thread === thread;
      this.#tellItWorks();
    } catch (error) {
      await this.#failed(error);
    }
    this.#tellReady();
  }

  /** What the file counts. Less than was written to it once: it is another file, which has to be told. */
  #takeHistory(counts: readonly TokenCount[]): void {
    if (!this.#historyRead) this.#ledger.addHistory(counts);
    this.#historyRead = true;
    this.#lost = missingFrom(counts, this.#ledger.counts(), this.unwritten);
    if (this.#inFlight !== undefined) this.#inFlight = { ...this.#inFlight, lost: [] };
  }

  async #tryWriting(): Promise<void> {
    const flushers = this.#flushers.splice(0);
    try {
      await this.#writeAll();
      this.#answerFlushers(flushers, true);
    } catch (error) {
      this.#answerFlushers(flushers, false);
      await this.#failed(error);
    }
  }

  /** Writes what there is now: what comes meanwhile has its own turn. */
  async #writeAll(): Promise<void> {
    let left = this.unwritten.length + this.#requests.length + (this.#inFlight?.requests.length ?? 0);
    while ((left > 0 || this.#lost.length > 0) && this.#hasWork) {
      this.#inFlight ??= this.#nextBatch();
      const { spendings, requests } = this.#inFlight;
      await this.ask('write', this.#inFlight);
      this.#inFlight = undefined;
      left -= spendings.length + requests.length;
      this.#works();
    }
  }

  #nextBatch(): Batch {
    const lost = this.#lost;
    this.#lost = [];
    return {
      id: `${this.#process} ${this.#batches++}`,
      spendings: this.#ledger.take(MOST_SPENDINGS),
      requests: this.#requests.splice(0, MOST_REQUESTS),
      lost,
    };
  }

  #works(): void {
    this.#failures = 0;
    this.#failingSince = undefined;
    this.#tellItWorks();
  }

  #tellItWorks(): void {
    this.#change({ status: 'ok', ...(this.#note !== undefined && { detail: this.#note }) });
  }

  /** Tells the trouble, and waits before the next attempt. */
  async #failed(error: unknown): Promise<void> {
    const failure: Failure = error instanceof StoreFailure ? error.failure : { kind: 'failed', message: String(error) };
    if (failure.counts !== undefined && !this.#historyRead) this.#takeHistory(failure.counts);
    this.#failingSince ??= performance.now();
    const isPatient = failure.kind === 'locked' && performance.now() - this.#failingSince < LOCK_PATIENCE_MS;
    if (!isPatient) this.#change({ status: 'error', detail: failure.message });
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures++, 10), LAST_RETRY_MS);
    if (this.#closeBy !== undefined && failure.kind !== 'locked') this.#attemptsToEnd++;
    this.#answerFlushers(this.#flushers.splice(0), false);
    this.#tellReady();
    await this.#haste.wait(this.#closeBy === undefined ? retryMs : FIRST_RETRY_MS);
  }

  #replaced(text: string): void {
    this.#note = text;
    this.#reopen();
  }

  #gone(): void {
    this.#thread = undefined;
    this.#reopen();
  }

  /** In no haste: what fails again and again is tried less and less often. */
  #reopen(): void {
    this.#open = false;
    this.#work.call();
  }

  #answerFlushers(flushers: readonly ((written: boolean) => void)[], written: boolean): void {
    for (const answer of flushers) answer(written);
  }

  #change(state: StoreState): void {
    if (state.status === this.#state.status && state.detail === this.#state.detail) return;
    this.#state = state;
    this.#options.onState(state);
  }
}
