import { setTimeout as pause } from 'node:timers/promises';
import type { Post } from './post.ts';
import type { Trouble } from './trouble.ts';

/** Spans of one batch. */
const BATCH = 512;
/** How long a span waits for others. */
const LONGEST_WAIT_MS = 5_000;
/** Spans that wait; more are dropped. */
const MOST_WAITING = 2048;
/** How often a batch is posted before it is dropped. */
const MOST_POSTS = 5;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** What an export of spans is made of. */
export interface SpanExportParts {
  readonly post: Post;
  /** The request that a batch is. */
  readonly wrap: (spans: readonly string[]) => string;
  readonly trouble: Trouble;
}

/** Collects spans and posts them, one batch at a time, all of it within bounds: what nobody takes is dropped. */
export class SpanExport {
  /** Spans that were lost. */
  dropped = 0;
  readonly #parts: SpanExportParts;
  readonly #closing = new AbortController();
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(parts: SpanExportParts) {
    this.#parts = parts;
  }

  /** Whether there is room for more; where there is none, so many count as dropped, and need not be made. */
  admits(count: number): boolean {
    if (this.#waiting.length < MOST_WAITING) return true;
    this.dropped += count;
    return false;
  }

  /** Takes a span as JSON. */
  add(span: string): void {
    if (!this.admits(1)) return;
    this.#waiting.push(span);
    if (this.#waiting.length >= BATCH) void this.#send();
    else this.#wait();
  }

  /** Resolves when what waits now has been posted, or dropped. */
  async flush(): Promise<void> {
    await this.#sending;
    for (let left = this.#waiting.length; left > 0; left -= BATCH) await this.#send();
  }

  /** Posts what is left, each batch once. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.flush();
    clearTimeout(this.#timer);
    this.dropped += this.#waiting.length;
    this.#waiting = [];
  }

  #wait(): void {
    if (this.#timer !== undefined || this.#sending !== undefined) return;
    this.#timer = setTimeout(() => void this.#send(), LONGEST_WAIT_MS);
    this.#timer.unref();
  }

  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendBatches().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0) this.#wait();
    });
    return this.#sending;
  }

  /** The first batch may be a small one. */
  async #sendBatches(): Promise<void> {
    do {
      const batch = this.#waiting.splice(0, BATCH);
      if (batch.length > 0) await this.#deliver(batch);
    } while (this.#waiting.length >= BATCH);
  }

  async #deliver(batch: readonly string[]): Promise<void> {
    const { post, wrap, trouble } = this.#parts;
    const body = wrap(batch);
    for (let posts = 1; ; posts++) {
      const receipt = await post(body);
      if (receipt.type === 'taken') {
        this.dropped += receipt.rejected;
        trouble.works();
        return;
      }
      trouble.fails(receipt.reason);
      if (receipt.type === 'refused' || posts === MOST_POSTS || this.#closing.signal.aborted) {
        this.dropped += batch.length;
        return;
      }
      await this.#pause(receipt.afterMs ?? backOff(posts));
    }
  }

  /** Ends early when there is no more time. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    await pause(Math.min(ms, LONGEST_PAUSE_MS), undefined, { ref: false, signal }).catch(() => {});
  }
}

/** Twice as long each time, and never all routers at once. */
function backOff(posts: number): number {
  return FIRST_PAUSE_MS * 2 ** (posts - 1) * (0.5 + Math.random());
}
