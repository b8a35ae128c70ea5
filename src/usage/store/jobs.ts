/** Work in steps between which batches of tokens get their turn. */
export type Job<T> = Generator<undefined, T>;

interface Running {
  /** Does a step; gives whether that was the last. */
  readonly step: () => boolean;
}

/** Does jobs in turn, a step of each at a time, and lets messages in after every step. */
export class Jobs {
  readonly #running: Running[] = [];

  /** Starts a job; one of the two is called at its end. */
  start<T>(job: Job<T>, done: (result: T) => void, failed: (error: unknown) => void): void {
    const step = () => {
      try {
        const { done: ended, value } = job.next();
        if (ended === true) done(value);
        return ended === true;
      } catch (error) {
        failed(error);
        return true;
      }
    };
    if (this.#running.push({ step }) === 1) setImmediate(() => this.#turn());
  }

  #turn(): void {
    const next = this.#running[0];
    if (next === undefined) return;
    const ended = next.step();
    this.#running.shift();
    if (!ended) this.#running.push(next);
    if (this.#running.length > 0) setImmediate(() => this.#turn());
  }
}
