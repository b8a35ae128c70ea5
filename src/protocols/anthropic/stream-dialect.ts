import type { TokenUsage } from '../../domain/answer.ts';
import { asObject, type JsonObject } from '../../domain/json.ts';
import { errorOf } from '../error-text.ts';
import { EVENT_END, member, pieceCounter, together } from '../pieces.ts';
import type { StreamDialect, Tally } from '../stream-dialect.ts';
import { errorEvent } from './events.ts';
import { type Counts, countsOf, tokensOf } from './usage.ts';

/** A call's name comes with the start of its block. */
const CALL = together('"content_block_start"', 'tool_use"');

/** Streams of messages. `guessesPrompt`: what the endpoint says of the prompt at the start is a guess, as Ollama's is. */
export function messageEvents(guessesPrompt: boolean): StreamDialect {
  return {
    telling: /"(?:usage|message_stop|error)"|\[DONE\]/,
    pieces: countPieces,
    endsItself: true,
    errorEvent,
    finished: ({ type }) => (type === 'message_stop' ? 1 : 0),
    // llama-server's error events hold its own error object, without a type at the top.
    isError: (record) => errorOf(record) !== undefined,
    foreignError: (record) => (record['type'] === 'error' ? undefined : errorOf(record)),
    tally: () => new MessageTally(guessesPrompt),
  };
}

const countPieces = pieceCounter(`${member.text('text|thinking|partial_json')}|${CALL}`, EVENT_END);

/** Tokens that are counted in two steps, the input at the start of a message and the output at its end: of each the last. */
class MessageTally implements Tally {
  readonly timings = undefined;
  readonly #guessesPrompt: boolean;
  #counts: Counts = {};
  #isFinal = false;

  constructor(guessesPrompt: boolean) {
    this.#guessesPrompt = guessesPrompt;
  }

  /** What a start says of the output is what was there before the first token. */
  note(record: JsonObject): void {
    const start = asObject(record['message']);
    const told = countsOf(start ?? record);
    this.#counts = { ...this.#counts, ...told };
    if (start === undefined && told.output_tokens !== undefined) this.#isFinal = true;
  }

  usage(): TokenUsage | undefined {
    return this.#isFinal ? tokensOf(this.#counts) : undefined;
  }

  /** None at all are none that were counted. */
  get promptTokens(): number | undefined {
    return this.#guessesPrompt ? undefined : tokensOf(this.#counts)?.promptTokens || undefined;
  }
}
