/** Wakes whoever waits: when it is called, or when the time is over. */
export class Alarm {
  #wake: (() => void) | undefined;
  #called = false;

  /** Ends the present wait, or else the next one. */
  call(): void {
    this.#called = true;
    this.#wake?.();
  }

  /** Waits for a call, for so many milliseconds at most; without end where none are given. Does not keep the process alive. */
  async wait(limitMs?: number): Promise<void> {
    if (!this.#called) {
      await new Promise<void>((resolve) => {
        const timer = limitMs === undefined ? undefined : setTimeout(resolve, limitMs).unref();
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#called = false;
  }
}
