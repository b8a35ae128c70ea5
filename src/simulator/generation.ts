import type { Call } from './call.ts';
import type { Exchange } from './exchange.ts';
import type { LoadedModel } from './loaded-model.ts';
import { type Piece, planAnswer } from './plan.ts';
import type { Speed } from './simulation.ts';
import type { Slot } from './slots.ts';
import { commonPrefixTokens, countTokens } from './text.ts';
import { forever, Gone, pause, turn } from './wait.ts';

/** What a finished answer cost. */
export interface Usage {
  readonly promptTokens: number;
  /** Part of `promptTokens`. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly promptMs: number;
  readonly completionMs: number;
}

/** What a model gives back, in order: prompt read, pieces, finish. */
export type AnswerEvent =
  | { readonly type: 'prompt-read'; readonly usage: Usage }
  | Piece
  | { readonly type: 'finish'; readonly reason: 'stop' | 'length'; readonly usage: Usage };

/** The model broke in the middle: each kind has its own form for it. */
export class GenerationFailure extends Error {}

/** The stream ends cleanly without its terminal object. */
export class SilentEnd extends Error {}

/** Where and how fast an answer is generated. */
export interface Bench {
  readonly loaded: LoadedModel;
  readonly slot: Slot;
  readonly speed: Speed;
  readonly exchange: Exchange;
  /** Called once with the final usage, whatever ended the generation. */
  readonly account: (usage: Usage) => void;
}

/** Reads the prompt, then says the planned answer token by token; throws Gone as soon as the client leaves. */
export async function* generate(call: Call, bench: Bench): AsyncGenerator<AnswerEvent> {
  const plan = planAnswer(call);
  const meter = new Meter(call, bench.slot);
  try {
    await new Pace(bench.speed.prefillTokensPerSecond, bench.exchange.signal).spend(meter.freshTokens);
    meter.promptRead();
    yield { type: 'prompt-read', usage: meter.usage };
    const pace = new Pace(bench.speed.decodeTokensPerSecond, bench.exchange.signal);
    for (const piece of plan.pieces) {
      await sufferTokenFaults(bench.exchange, meter.completionTokens);
      await pace.spend(1);
      meter.completionTokens++;
      bench.exchange.recording.tokens++;
      yield piece;
    }
    await sufferTokenFaults(bench.exchange, meter.completionTokens);
    yield { type: 'finish', reason: plan.reason, usage: meter.usage };
  } finally {
    const said = plan.pieces.slice(0, meter.completionTokens);
    bench.slot.text = `${call.prompt}${said.map((piece) => (piece.type === 'text' ? piece.text : '')).join('')}\n`;
    bench.account(meter.usage);
  }
}

/** Faults that are counted in tokens; a count of n acts when n tokens are out. */
export async function sufferTokenFaults(exchange: Exchange, tokens: number): Promise<void> {
  const { errorAfterTokens, silentEndAfterTokens, stallAfterTokens } = exchange.fault;
  if (errorAfterTokens !== undefined && tokens >= errorAfterTokens.count) {
    throw new GenerationFailure(errorAfterTokens.message);
  }
  if (silentEndAfterTokens !== undefined && tokens >= silentEndAfterTokens) throw new SilentEnd();
  if (stallAfterTokens !== undefined && tokens >= stallAfterTokens) await forever(exchange.signal);
}

/** Counts and clocks of one generation. */
class Meter {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  completionTokens = 0;
  #promptEnd: number | undefined;
  readonly #start = performance.now();

  constructor(call: Call, slot: Slot) {
    this.promptTokens = Math.max(1, countTokens(call.prompt));
    // The last token of a prompt is always evaluated: its output is the first word of the answer.
    this.cachedTokens = Math.min(commonPrefixTokens(call.prompt, slot.text), this.promptTokens - 1);
  }

  get freshTokens(): number {
    return this.promptTokens - this.cachedTokens;
  }

  promptRead(): void {
    this.#promptEnd = performance.now();
  }

  get usage(): Usage {
    const now = performance.now();
    const promptEnd = this.#promptEnd ?? now;
    return {
      promptTokens: this.promptTokens,
      cachedTokens: this.cachedTokens,
      completionTokens: this.completionTokens,
      promptMs: promptEnd - this.#start,
      completionMs: now - promptEnd,
    };
  }
}

/** Spends the time that tokens take; ahead of its time it waits, and it yields a turn at every call. */
class Pace {
  readonly #msPerToken: number;
  readonly #signal: AbortSignal;
  #due = performance.now();

  constructor(tokensPerSecond: number, signal: AbortSignal) {
    this.#msPerToken = 1000 / tokensPerSecond;
    this.#signal = signal;
  }

  async spend(tokens: number): Promise<void> {
    // Timers are late by a millisecond or so: that much may be made up for, the time of a blocked client may not.
    this.#due = Math.max(this.#due, performance.now() - this.#msPerToken - 5) + tokens * this.#msPerToken;
    const early = this.#due - performance.now();
    if (early >= 1) await pause(early, this.#signal);
    else await turn();
    if (this.#signal.aborted) throw new Gone();
  }
}
