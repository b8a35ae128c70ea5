import type { Changes } from './changes.ts';
import { LoadedModel } from './loaded-model.ts';
import type { SimulatedModel } from './simulation.ts';
import { type SlotLease, SlotPool } from './slots.ts';

/** The queue of a machine is full: nothing ran. */
export class QueueFull extends Error {}

/** How one machine behaves; the kinds differ in these. */
export interface MachineOptions {
  readonly slots: number;
  readonly loadMs: number;
  readonly unloadMs: number;
  readonly vramBytes: number;
  readonly maxLoaded: number;
  readonly queueLimit: number;
  /** Milliseconds a model stays after its last request; Infinity: for ever. */
  readonly keepAliveMs: number;
  /** Ollama: all requests wait behind a load, and a load ends when its client leaves. */
  readonly loadsOneAtATime: boolean;
  /** Display name to the key under which two spellings are one model. */
  readonly keyOf: (name: string) => string;
}

/** What a request wants of the model it uses. */
export interface Wish {
  readonly keepAliveMs?: number;
  readonly contextLength?: number;
}

/** A loaded model that cannot be unloaded until the scope of its use is left. */
export interface ModelUse extends Disposable {
  readonly loaded: LoadedModel;
}

/** A machine's memory: which models it has, which are loaded, who leaves for whom. */
export class Machine {
  readonly options: MachineOptions;
  readonly #changes: Changes;
  readonly #models = new Map<string, SimulatedModel>();
  readonly #doors = new Map<string, SlotPool>();
  readonly #peaks = new Map<string, number>();
  readonly #closed = new AbortController();
  #loaded: LoadedModel[] = [];

  constructor(options: MachineOptions, changes: Changes) {
    this.options = options;
    this.#changes = changes;
  }

  get models(): readonly SimulatedModel[] {
    return [...this.#models.values()];
  }

  /** Least recently used first. */
  get loaded(): readonly LoadedModel[] {
    return this.#loaded;
  }

  get waiting(): number {
    const pools = [...this.#doors.values(), ...this.#loaded.map((loaded) => loaded.pool)];
    return pools.reduce((sum, pool) => sum + pool.waiting, 0);
  }

  /** Fires when the machine is closed for good. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  find(name: string): SimulatedModel | undefined {
    const key = this.options.keyOf(name);
    return this.#models.get(key) ?? this.models.find((model) => model.aliases.includes(name));
  }

  findLoaded(model: SimulatedModel): LoadedModel | undefined {
    return this.#loaded.find((loaded) => loaded.model.name === model.name);
  }

  addModel(model: SimulatedModel): void {
    this.#models.set(this.options.keyOf(model.name), model);
    this.#changes.changed();
  }

  removeModel(model: SimulatedModel): void {
    this.#models.delete(this.options.keyOf(model.name));
    this.unload(model);
  }

  /** Loads the model where needed, making room for it; throws {@link QueueFull}, or Gone when the signal fires. */
  async use(model: SimulatedModel, wish: Wish, signal: AbortSignal): Promise<ModelUse> {
    const door = this.#door(model);
    if (door.isFull) this.#refuseIfFull();
    using _turn = await door.take('', signal);
    const loaded = await this.#ready(model, wish, signal);
    return this.#enter(loaded, wish);
  }

  /** A slot of a loaded model; throws {@link QueueFull}, or Gone when the signal fires. */
  takeSlot(loaded: LoadedModel, prompt: string, signal: AbortSignal): Promise<SlotLease> {
    if (loaded.pool.isFull) this.#refuseIfFull();
    return loaded.pool.take(prompt, signal);
  }

  /** Takes the model out of memory as soon as nobody uses it. */
  unload(model: SimulatedModel): void {
    const loaded = this.findLoaded(model);
    if (loaded === undefined) return;
    loaded.expireWhenIdle();
    this.#changes.changed();
  }

  inFlight(name?: string): number {
    const wanted = name === undefined ? undefined : this.find(name)?.name;
    const meant = this.#loaded.filter((loaded) => name === undefined || loaded.model.name === wanted);
    return meant.reduce((sum, loaded) => sum + loaded.pool.busy, 0);
  }

  peakInFlight(name: string): number {
    return this.#peaks.get(this.options.keyOf(name)) ?? 0;
  }

  /** Ends loads and forgets timers. */
  close(): void {
    this.#closed.abort();
    for (const loaded of this.#loaded) loaded.stopTimer();
  }

  #door(model: SimulatedModel): SlotPool {
    const key = this.options.loadsOneAtATime ? '' : model.name;
    const door = this.#doors.get(key) ?? new SlotPool(1, () => this.#changes.changed());
    this.#doors.set(key, door);
    return door;
  }

  #refuseIfFull(): void {
    if (this.waiting >= this.options.queueLimit) throw new QueueFull();
  }

  #enter(loaded: LoadedModel, wish: Wish): ModelUse {
    this.#loaded = [...this.#loaded.filter((other) => other !== loaded), loaded];
    loaded.enter(wish.keepAliveMs);
    return { loaded, [Symbol.dispose]: () => loaded.leave() };
  }

  async #ready(model: SimulatedModel, wish: Wish, signal: AbortSignal): Promise<LoadedModel> {
    const contextLength = Math.min(wish.contextLength ?? model.contextLength, model.contextLength);
    await this.#changes.until(() => this.findLoaded(model)?.state !== 'leaving', signal);
    const present = this.findLoaded(model);
    const asked = wish.contextLength !== undefined;
    if (present !== undefined && (!asked || present.contextLength === contextLength)) return present;
    if (present !== undefined) await this.#evict(present, signal);
    return this.#load(model, contextLength, signal);
  }

  async #load(model: SimulatedModel, contextLength: number, signal: AbortSignal): Promise<LoadedModel> {
    await this.#makeRoom(model, signal);
    const loaded = new LoadedModel(model, contextLength, {
      slots: model.slots ?? this.options.slots,
      keepAliveMs: this.options.keepAliveMs,
      unloadMs: this.options.unloadMs,
      changed: () => this.#changed(),
      expired: () => this.#remove(loaded),
    });
    this.#loaded = [...this.#loaded, loaded];
    this.#changes.changed();
    const until = this.options.loadsOneAtATime ? AbortSignal.any([signal, this.signal]) : this.signal;
    try {
      await loaded.loading(model.loadMs ?? this.options.loadMs, until);
    } catch (error) {
      this.#remove(loaded);
      throw error;
    }
    return loaded;
  }

  /** Least recently used first; while all are in use, waits for one. */
  async #makeRoom(model: SimulatedModel, signal: AbortSignal): Promise<void> {
    while (!this.#fits(model)) {
      const idle = this.#loaded.find((loaded) => loaded.isIdle);
      if (idle !== undefined) idle.expireWhenIdle();
      await this.#changes.until(() => this.#fits(model) || this.#loaded.some((loaded) => loaded.isIdle), signal);
    }
  }

  #fits(model: SimulatedModel): boolean {
    if (this.#loaded.length === 0) return true;
    const used = this.#loaded.reduce((sum, loaded) => sum + loaded.model.vram, 0);
    return this.#loaded.length < this.options.maxLoaded && used + model.vram <= this.options.vramBytes;
  }

  async #evict(loaded: LoadedModel, signal: AbortSignal): Promise<void> {
    loaded.expireWhenIdle();
    await this.#changes.until(() => !this.#loaded.includes(loaded), signal);
  }

  #remove(loaded: LoadedModel): void {
    loaded.stopTimer();
    this.#loaded = this.#loaded.filter((other) => other !== loaded);
    this.#changes.changed();
  }

  #changed(): void {
    for (const { model, pool } of this.#loaded) {
      const key = this.options.keyOf(model.name);
      this.#peaks.set(key, Math.max(this.#peaks.get(key) ?? 0, pool.busy));
    }
    this.#changes.changed();
  }
}
