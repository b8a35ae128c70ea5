import type { Usage } from '../generation.ts';
import type { Piece } from '../plan.ts';

/** One named record of a stream. */
export interface NamedEvent {
  /** Undefined: a record without a name. */
  readonly event?: string;
  readonly data: object | string;
}

/** What reading the prompt cost. */
export type PromptUsage = Pick<Usage, 'promptTokens' | 'cachedTokens'>;

/** How a model's answer looks in one protocol: fed with the pieces in order, it says what a stream sends and holds the whole. */
export interface AnswerForm {
  /** Before the first piece; the prompt as far as it is known by then. */
  start(prompt: PromptUsage): readonly NamedEvent[];
  piece(piece: Piece): readonly NamedEvent[];
  finish(reason: 'stop' | 'length', usage: Usage): readonly NamedEvent[];
  /** What a stream that breaks ends with. */
  broken(message: string): readonly NamedEvent[];
  /** The answer so far as one object; `text` of an answer that was cut may be incomplete. */
  whole(): object;
}

/** A record as it goes over the wire. */
export function eventText({ event, data }: NamedEvent): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  return `${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** The object in a tool call's arguments; empty where the answer was cut in the middle of them. */
export function lenientArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
