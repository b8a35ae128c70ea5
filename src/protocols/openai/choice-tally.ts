import type { Timings, TokenUsage } from '../../domain/answer.ts';
import { asArray, asNumber, asObject, type JsonObject } from '../../domain/json.ts';
import type { Tally } from '../stream-dialect.ts';
import { readTimings, readUsage } from './usage.ts';

/** Of more choices than any server gives at once the counts are not kept. */
const MAX_KEPT = 1024;

/**
 * What a stream of choices costs. Most servers tell it in one record without choices; llama-server in one for each choice, or
 * in the record that ends it; some tell how far they are in every record, and Ollama's completions in every record zeros.
 */
export class ChoiceTally implements Tally {
  timings: Timings | undefined;
  readonly #answers: number;
  readonly #prompts: number;
  /** What stood beside no choice. */
  #totals: TokenUsage[] = [];
  /** So many totals make one: llama-server, which alone gives timings, gives one for each choice. */
  #awaited = 1;
  /** The last of what stood beside a choice, by its index. */
  readonly #shares = new Map<number, TokenUsage>();
  #ended = 0;

  constructor(answers: number, prompts: number) {
    this.#answers = answers;
    this.#prompts = prompts;
  }

  note(record: JsonObject): void {
    const timings = readTimings(record);
    this.timings = timings ?? this.timings;
    const choices = asArray(record['choices']).map((choice) => asObject(choice) ?? {});
    this.#ended += choices.filter((choice) => typeof choice['finish_reason'] === 'string').length;
    const usage = readUsage(record);
    if (usage === undefined || usage.promptTokens + usage.completionTokens === 0) return;
    const [choice] = choices;
    if (choice === undefined) this.#addTotal(usage, timings !== undefined);
    else this.#setShare(asNumber(choice['index']) ?? 0, usage);
  }

  /** Shares are final when all choices have ended; totals at once, but where there is one for each choice. */
  usage(isOver: boolean): TokenUsage | undefined {
    const [totals, shares] = [this.#totals, [...this.#shares.values()]];
    if (totals.length >= this.#awaited || (isOver && totals.length > 0)) return this.#sum(totals);
    return shares.length >= this.#answers && (isOver || this.#ended >= this.#answers) ? this.#sum(shares) : undefined;
  }

  /** Of several prompts some may not have been told of. */
  get promptTokens(): number | undefined {
    if (this.#prompts > 1) return undefined;
    return (this.#totals[0] ?? this.#shares.values().next().value)?.promptTokens || undefined;
  }

  #addTotal(usage: TokenUsage, isApart: boolean): void {
    if (isApart) this.#awaited = this.#answers;
    if (this.#totals.length >= Math.min(this.#awaited, MAX_KEPT)) this.#totals = [];
    this.#totals.push(usage);
  }

  #setShare(index: number, usage: TokenUsage): void {
    if (this.#shares.size < MAX_KEPT || this.#shares.has(index)) this.#shares.set(index, usage);
  }

  /** Each choice tells of its whole prompt, which several may have in common. */
  #sum(told: readonly TokenUsage[]): TokenUsage {
    const prompts = told.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    return {
      promptTokens: Math.round((prompts * Math.min(this.#prompts, told.length)) / told.length),
      completionTokens: told.reduce((sum, { completionTokens }) => sum + completionTokens, 0),
    };
  }
}
