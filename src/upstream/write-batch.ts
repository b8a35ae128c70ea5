/**
 * Gathers the writes of one turn of the event loop and makes them together when everything that has arrived is read. A
 * write wakes the process it goes to; one after another they wake it again each time, which costs more than all else that
 * is done for a small request.
 */
export class WriteBatch {
  #writes: (() => void)[] = [];

  /** Has the write made at the end of the turn, behind those added before. It must not throw. */
  add(write: () => void): void {
    if (this.#writes.push(write) === 1) setImmediate(() => this.#make());
  }

  #make(): void {
    const writes = this.#writes;
    this.#writes = [];
    for (const write of writes) write();
  }
}
