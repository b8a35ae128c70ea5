import { commonPrefixTokens } from './text.ts';
import { Gone } from './wait.ts';

/** Room for one request; it remembers the text it last worked on, so that a common prefix is quick. */
export class Slot {
  readonly id: number;
  text = '';
  busy = false;
  usedAt = 0;

  constructor(id: number) {
    this.id = id;
  }
}

/** A slot that is held until its scope is left. */
export interface SlotLease extends Disposable {
  readonly slot: Slot;
}

/** The slots of one loaded model; who finds none free waits in order of arrival. */
export class SlotPool {
  readonly slots: readonly Slot[];
  readonly #waiters: { readonly prompt: string; readonly give: (slot: Slot) => void }[] = [];
  readonly #changed: () => void;
  #clock = 0;

  constructor(count: number, changed: () => void) {
    this.slots = Array.from({ length: count }, (_, id) => new Slot(id));
    this.#changed = changed;
  }

  get busy(): number {
    return this.slots.filter((slot) => slot.busy).length;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  get isFull(): boolean {
    return this.slots.every((slot) => slot.busy);
  }

  /** Takes the free slot that knows most of the prompt, or waits for one; throws {@link Gone} when the signal fires. */
  async take(prompt: string, signal: AbortSignal): Promise<SlotLease> {
    if (signal.aborted) throw new Gone();
    const slot = this.#best(prompt) ?? (await this.#wait(prompt, signal));
    slot.busy = true;
    slot.usedAt = ++this.#clock;
    this.#changed();
    return { slot, [Symbol.dispose]: () => this.#release(slot) };
  }

  #best(prompt: string): Slot | undefined {
    const free = this.slots.filter((slot) => !slot.busy);
    const ranked = free.map((slot) => ({ slot, known: commonPrefixTokens(slot.text, prompt) }));
    ranked.sort((a, b) => b.known - a.known || a.slot.usedAt - b.slot.usedAt);
    return ranked[0]?.slot;
  }

  async #wait(prompt: string, signal: AbortSignal): Promise<Slot> {
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const waiter = { prompt, give: resolve };
    const leave = () => {
      const at = this.#waiters.indexOf(waiter);
      if (at >= 0) this.#waiters.splice(at, 1);
      reject(new Gone());
    };
    this.#waiters.push(waiter);
    signal.addEventListener('abort', leave, { once: true });
    this.#changed();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  #release(slot: Slot): void {
    const next = this.#waiters.shift();
    // Handed over while still busy: nobody who comes in between can take it.
    if (next === undefined) slot.busy = false;
    else next.give(slot);
    this.#changed();
  }
}
