import type { Call } from './call.ts';
import type { Changes } from './changes.ts';
import type { Exchange } from './exchange.ts';
import { type AnswerEvent, generate, type Usage } from './generation.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { Machine } from './machine.ts';
import type { SimulatedEndpointOptions, Speed, TokenTotals } from './simulation.ts';
import { countTokens, embedding } from './text.ts';
import { pause } from './wait.ts';

/** What one text or many cost to embed, and their vectors. */
export interface Embedded {
  readonly vectors: readonly (readonly number[])[];
  readonly promptTokens: number;
}

/** What the handlers of a kind work with: the machine, its speed, its books. */
export class Host {
  readonly options: SimulatedEndpointOptions;
  readonly machine: Machine;
  readonly changes: Changes;
  /** Ollama's uploaded files, by digest (`sha256:...`). */
  readonly blobs = new Set<string>();
  /** llama-server in router mode: models whose process died at their last load. */
  readonly failed = new Set<string>();
  /** Ollama: who is signed in to its cloud. */
  account: string | undefined;
  /** The conversations behind OpenAI's stored responses, by id. */
  readonly responses = new Map<string, readonly Readonly<Record<string, unknown>>[]>();
  readonly #totals = new Map<string, TokenTotals>();

  constructor(options: SimulatedEndpointOptions, machine: Machine, changes: Changes) {
    this.options = options;
    this.machine = machine;
    this.changes = changes;
    this.account = options.account;
    for (const name of options.failed ?? []) this.failed.add(name);
  }

  /** Whether this server has no such path, although the simulator could answer it; `usually` is what its kind lacks. */
  lacks(path: string, usually: readonly string[] = []): boolean {
    const { lacks = [], has = [] } = this.options;
    return lacks.includes(path) || (usually.includes(path) && !has.includes(path));
  }

  /** Takes a slot, answers, gives the slot back when the consumer leaves the loop. */
  async *answer(loaded: LoadedModel, call: Call, exchange: Exchange): AsyncGenerator<AnswerEvent> {
    using lease = await this.machine.takeSlot(loaded, call.prompt, exchange.signal);
    const account = (usage: Usage) => this.#account(loaded, usage);
    yield* generate(call, { loaded, slot: lease.slot, speed: this.#speed(loaded), exchange, account });
  }

  /** Takes a slot and embeds all texts. */
  async embed(loaded: LoadedModel, texts: readonly string[], exchange: Exchange): Promise<Embedded> {
    const promptTokens = texts.reduce((sum, text) => sum + Math.max(1, countTokens(text)), 0);
    await this.read(loaded, promptTokens, exchange);
    return { vectors: texts.map((text) => embedding(text, loaded.model.embeddingLength)), promptTokens };
  }

  /** Takes a slot and reads so many tokens without saying anything. */
  async read(loaded: LoadedModel, promptTokens: number, exchange: Exchange): Promise<void> {
    using _lease = await this.machine.takeSlot(loaded, '', exchange.signal);
    await pause((1000 * promptTokens) / this.#speed(loaded).prefillTokensPerSecond, exchange.signal);
    this.#account(loaded, { promptTokens, cachedTokens: 0, completionTokens: 0 });
  }

  totals(name: string): TokenTotals {
    return this.#totals.get(this.machine.options.keyOf(name)) ?? { prompt: 0, cached: 0, completion: 0 };
  }

  #speed(loaded: LoadedModel): Speed {
    const immediate = {
      prefillTokensPerSecond: Number.POSITIVE_INFINITY,
      decodeTokensPerSecond: Number.POSITIVE_INFINITY,
    };
    return loaded.model.speed ?? this.options.speed ?? immediate;
  }

  #account(loaded: LoadedModel, usage: Pick<Usage, 'promptTokens' | 'cachedTokens' | 'completionTokens'>): void {
    const before = this.totals(loaded.model.name);
    this.#totals.set(this.machine.options.keyOf(loaded.model.name), {
      prompt: before.prompt + usage.promptTokens,
      cached: before.cached + usage.cachedTokens,
      completion: before.completion + usage.completionTokens,
    });
  }
}
