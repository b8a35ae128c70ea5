import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Histogram } from './histogram.ts';
import type { Post } from './post.ts';
import type { Trouble } from './trouble.ts';

/** What an export of metrics is made of. */
export interface MetricExportParts {
  readonly histograms: readonly Histogram[];
  readonly post: Post;
  /** The request that metrics are sent as. */
  readonly wrap: (metrics: readonly string[]) => string;
  readonly trouble: Trouble;
  readonly intervalMs: number;
}

/** Posts all metrics at an interval. One that fails is not repeated: the next one has the same counts, and more. */
export class MetricExport {
  readonly #parts: MetricExportParts;
  readonly #since = Date.now();
  readonly #timer: NodeJS.Timeout;
  #sending: Promise<void> | undefined;

  constructor(parts: MetricExportParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => void this.#send(), parts.intervalMs);
    this.#timer.unref();
  }

  /** Resolves when the metrics of now have been posted, taken or not. */
  async flush(): Promise<void> {
    await this.#sending;
    await this.#send();
  }

  /** Posts the metrics for the last time. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  #send(): Promise<void> {
    this.#sending ??= this.#post().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async #post(): Promise<void> {
    const { post, wrap, trouble } = this.#parts;
    const metrics = await this.#metrics();
    if (metrics.length === 0) return;
    const receipt = await post(wrap(metrics));
    if (receipt.type === 'taken') trouble.works();
    else trouble.fails(receipt.reason);
  }

  /** One metric a turn: a thousand series are some milliseconds of work. */
  async #metrics(): Promise<string[]> {
    const now = Date.now();
    const metrics: string[] = [];
    for (const histogram of this.#parts.histograms) {
      const metric = histogram.metric(this.#since, now);
      if (metric === undefined) continue;
      metrics.push(metric);
      await nextTurn();
    }
    return metrics;
  }
}
