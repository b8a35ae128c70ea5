import type { RawJson } from './ask.ts';

/** Tokens of one request as the endpoint counted them; prompt tokens include cached ones. */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Time an endpoint says it took, in milliseconds. */
export interface Timings {
  /** To load the model; 0 where it was in memory, undefined where the endpoint does not say. */
  readonly loadMs?: number;
  readonly promptMs: number;
  readonly completionMs: number;
}

/** What an endpoint gives back, piece by piece, in no protocol's words. A whole answer is all its events at once. */
export type AnswerEvent =
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  /** Log probabilities of the tokens of the text before it: elements of a JSON array, without its brackets. */
  | { readonly type: 'logprobs'; readonly json: RawJson }
  /** A tool call or a fragment of one: what belongs together has one `index`. */
  | {
      readonly type: 'tool-call-delta';
      readonly index: number;
      readonly id: string | undefined;
      readonly name: string | undefined;
      readonly arguments: string;
    }
  /** In place of an answer: the prompt as the model would see it, and how many images go with it. */
  | { readonly type: 'rendered'; readonly prompt: string; readonly images: number }
  | { readonly type: 'usage'; readonly usage: TokenUsage }
  | { readonly type: 'timings'; readonly timings: Timings }
  /** The model stopped: at its own end or a stop text, at the token limit, or to have tools called. */
  | { readonly type: 'finish'; readonly reason: 'stop' | 'length' | 'tool-calls' }
  /** The endpoint gave up; nothing follows. */
  | { readonly type: 'error'; readonly message: string };
