import type { Timings, TokenUsage } from '../domain/answer.ts';
import type { JsonObject } from '../domain/json.ts';

/** What the records of a protocol's streams say of their end, and how one says that it broke off. */
export interface StreamDialect {
  /** Events in which this matches nothing carry plain deltas: they pass unread. */
  readonly telling: RegExp;
  /** The pieces of an answer in the text of complete events. */
  pieces(events: string): number;
  /** Answers, of those asked for, that end with this record. */
  finished(record: JsonObject): number;
  /** Whether the last record says so itself, and no mark follows. */
  readonly endsItself?: boolean;
  /** Whether the record reports a failure. */
  isError(record: JsonObject): boolean;
  tally(passage: Passage): Tally;
  /** What an error says that is in no words of this dialect; undefined where it is. */
  foreignError?(record: JsonObject): string | undefined;
  /** The event that tells a client of a failure; by it no client takes the answer for complete. */
  errorEvent(message: string): string;
}

/** What the records of one stream have said of its cost. */
export interface Tally {
  note(record: JsonObject): void;
  /** The final counts; `isOver`: the endpoint has said that nothing follows. */
  usage(isOver: boolean): TokenUsage | undefined;
  /** Prompt tokens told before the final counts. */
  readonly promptTokens: number | undefined;
  readonly timings: Timings | undefined;
}

/** How one answer is let through. */
export interface Passage {
  /** The endpoint counts tokens because the router asked it to: the client is not to see it. */
  readonly hideUsage?: boolean;
  /** Changes each record on its way. */
  readonly edit?: ((json: Buffer) => Buffer) | undefined;
  /** Answers that come at once; default 1. */
  readonly answers?: number;
  /** Prompts that are answered; default 1. */
  readonly prompts?: number;
}
