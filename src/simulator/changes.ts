import { Gone } from './wait.ts';

/** Tells waiters that something changed: the one way anybody waits here without sleeping. */
export class Changes {
  readonly #waiters = new Set<() => void>();

  /** Lets every waiter look again. */
  changed(): void {
    for (const look of [...this.#waiters]) look();
  }

  /** Resolves as soon as `holds` does; throws {@link Gone} when the signal fires. */
  async until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    if (holds()) return;
    if (signal.aborted) throw new Gone();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (holds()) resolve();
    };
    const leave = () => reject(new Gone());
    this.#waiters.add(look);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await promise;
    } finally {
      this.#waiters.delete(look);
      signal.removeEventListener('abort', leave);
    }
  }
}
