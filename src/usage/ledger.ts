import type { Listing } from '../domain/model.ts';
import type { CountedTokens } from '../domain/request-record.ts';

/** Tokens that a model spent on an endpoint. */
export interface TokenCount {
  /** The endpoint's URL. */
  readonly endpoint: string;
  /** As the endpoint lists it. */
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** How many of the input tokens are estimated. */
  readonly estimatedInputTokens: number;
}

/** Tokens spent within one second: what is to be stored. */
export interface Spending extends TokenCount {
  /** Unix seconds; the start of a longer time where spendings had to be put together. */
  readonly second: number;
}

type Counter = { -readonly [Key in keyof TokenCount]: TokenCount[Key] };
type Open = { -readonly [Key in keyof Spending]: Spending[Key] };
interface Entry {
  readonly total: Counter;
  /** The newest spending that has not been taken yet. */
  open: Open | undefined;
}

/** Spendings kept until they are stored; beyond that they are put together, coarser and coarser. */
const MAX_PENDING = 10_000;
/** No request spends more. */
const MAX_TOKENS = 1_000_000_000;
const HOUR = 3_600;
const DAY = 86_400;

/**
 * Counts the tokens spent, by endpoint URL and model as the endpoint lists it, and keeps by the second what is not stored
 * yet. In memory: totals are never lost while the process lives.
 */
export class Ledger {
  /** Increases with every change of the totals. */
  changes = 0;
  /** Called when there is something to store where there was nothing. */
  onPending: () => void = () => {};
  readonly #endpoints = new Map<string, Map<string, Entry>>();
  readonly #now: () => number;
  #pending: Open[] = [];
  #limit = MAX_PENDING;

  /** `now` gives milliseconds since the epoch. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Counts one answered request. */
  record({ endpoint, model }: Listing, counted: CountedTokens): void {
    const promptTokens = plausible(counted.promptTokens);
    const completionTokens = plausible(counted.completionTokens);
    const estimated = counted.promptEstimated ? promptTokens : 0;
    const entry = this.#entry(endpoint.url, model.id);
    add(entry.total, promptTokens, completionTokens, estimated);
    add(this.#openOf(entry), promptTokens, completionTokens, estimated);
    this.changes++;
  }

  /** Adds what an earlier process has stored. */
  addHistory(counts: readonly TokenCount[]): void {
    for (const { endpoint, model, inputTokens, outputTokens, estimatedInputTokens } of counts)
      add(this.#entry(endpoint, model).total, inputTokens, outputTokens, estimatedInputTokens);
    this.changes++;
  }

  /** Endpoint URL to model to input and output tokens together. */
  totals(): Record<string, Record<string, number>> {
    const totals = [...this.#endpoints].map(([url, models]) => {
      const sums = [...models].map(([model, { total }]) => [model, total.inputTokens + total.outputTokens] as const);
      return [url, Object.fromEntries(sums)] as const;
    });
    return Object.fromEntries(totals);
  }

  /** What every model has spent on every endpoint, stored or not. */
  counts(): TokenCount[] {
    return [...this.#endpoints.values()].flatMap((models) => [...models.values()].map(({ total }) => ({ ...total })));
  }

  /** What is not taken yet, oldest first. */
  get pending(): readonly Spending[] {
    return this.#pending;
  }

  /** Takes up to so many pending spendings, oldest first. Whoever takes them stores them. */
  take(most: number): Spending[] {
    const taken = this.#pending.splice(0, most);
    for (const { endpoint, model } of taken) this.#entry(endpoint, model).open = undefined;
    return taken;
  }

  #openOf(entry: Entry): Open {
    const second = Math.floor(this.#now() / 1_000);
    if (entry.open?.second === second) return entry.open;
    if (this.#pending.length >= this.#limit) this.#coalesce();
    const { endpoint, model } = entry.total;
    const open = { endpoint, model, second, inputTokens: 0, outputTokens: 0, estimatedInputTokens: 0 };
    entry.open = open;
    if (this.#pending.push(open) === 1) this.onPending();
    return open;
  }

  #entry(url: string, model: string): Entry {
    let models = this.#endpoints.get(url);
    if (models === undefined) {
      models = new Map();
      this.#endpoints.set(url, models);
    }
    let entry = models.get(model);
    if (entry === undefined) {
      entry = {
        total: { endpoint: url, model, inputTokens: 0, outputTokens: 0, estimatedInputTokens: 0 },
        open: undefined,
      };
      models.set(model, entry);
    }
    return entry;
  }

  /** The store has been down for long: the times get coarser, the tokens stay. */
  #coalesce(): void {
    for (const width of [HOUR, DAY, Number.POSITIVE_INFINITY]) {
      if (this.#pending.length > MAX_PENDING / 2) this.#pending = coarser(this.#pending, width);
    }
    for (const { endpoint, model } of this.#pending) this.#entry(endpoint, model).open = undefined;
    this.#limit = Math.max(MAX_PENDING, 2 * this.#pending.length);
  }
}

/** What an endpoint says may be anything: one wrong number must not spoil the sums. */
function plausible(tokens: number): number {
  return tokens > 0 && tokens <= MAX_TOKENS ? Math.floor(tokens) : 0;
}

function add(to: Counter, input: number, output: number, estimated: number): void {
  to.inputTokens += input;
  to.outputTokens += output;
  to.estimatedInputTokens += estimated;
}

/** One spending per endpoint, model and so many seconds. */
function coarser(spendings: readonly Open[], width: number): Open[] {
  const groups = new Map<string, Open>();
  for (const spending of spendings) {
    const start = width === Number.POSITIVE_INFINITY ? 0 : spending.second - (spending.second % width);
    const key = JSON.stringify([spending.endpoint, spending.model, start]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ...spending, second: start === 0 ? spending.second : start });
    else add(group, spending.inputTokens, spending.outputTokens, spending.estimatedInputTokens);
  }
  return [...groups.values()];
}
