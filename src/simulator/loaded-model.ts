import type { SimulatedModel } from './simulation.ts';
import { SlotPool } from './slots.ts';
import { pause } from './wait.ts';

/** What a loaded model is told by its machine. */
export interface LoadedModelParts {
  readonly slots: number;
  readonly keepAliveMs: number;
  readonly unloadMs: number;
  readonly changed: () => void;
  readonly expired: () => void;
}

/** A model in memory: its slots, its users, and when it leaves. */
export class LoadedModel {
  readonly model: SimulatedModel;
  readonly contextLength: number;
  readonly pool: SlotPool;
  state: 'loading' | 'ready' | 'leaving' = 'loading';
  /** llama-server: its weights left memory; the next task brings them back. */
  isAsleep = false;
  readonly #parts: LoadedModelParts;
  readonly #told = Promise.withResolvers<void>();
  #keepAliveMs: number;
  #users = 0;
  #expiresAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(model: SimulatedModel, contextLength: number, parts: LoadedModelParts) {
    this.model = model;
    this.contextLength = contextLength;
    this.pool = new SlotPool(parts.slots, parts.changed);
    this.#parts = parts;
    this.#keepAliveMs = parts.keepAliveMs;
  }

  get isIdle(): boolean {
    return this.#users === 0 && this.state === 'ready';
  }

  /** Milliseconds since the epoch; while in use, as if it became idle now. */
  get expiresAt(): number {
    return this.#expiresAt ?? Date.now() + this.#keepAliveMs;
  }

  async loading(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await Promise.race([pause(ms, signal), this.#told.promise]);
    this.state = 'ready';
    this.#parts.changed();
  }

  /** Ends the load that is under way, however long it would take. */
  finishLoading(): void {
    this.#told.resolve();
  }

  /** The latest request's wish replaces the time to stay. */
  enter(keepAliveMs: number | undefined): void {
    this.#users++;
    this.#keepAliveMs = keepAliveMs ?? this.#keepAliveMs;
    this.stopTimer();
    this.#expiresAt = undefined;
  }

  leave(): void {
    this.#users--;
    if (this.#users === 0) this.#startTimer();
    this.#parts.changed();
  }

  expireWhenIdle(): void {
    if (this.state === 'leaving') return;
    this.#keepAliveMs = 0;
    if (this.#users === 0) this.#startTimer();
  }

  stopTimer(): void {
    clearTimeout(this.#timer);
  }

  #startTimer(): void {
    this.stopTimer();
    this.#expiresAt = Date.now() + this.#keepAliveMs;
    if (this.#keepAliveMs === 0) this.#expire();
    else if (this.#keepAliveMs <= 0x7fffffff) this.#after(this.#keepAliveMs, () => this.#expire());
  }

  #expire(): void {
    this.state = 'leaving';
    if (this.#parts.unloadMs === 0) this.#parts.expired();
    else this.#after(this.#parts.unloadMs, this.#parts.expired);
    this.#parts.changed();
  }

  #after(ms: number, act: () => void): void {
    this.#timer = setTimeout(act, ms);
    this.#timer.unref();
  }
}
