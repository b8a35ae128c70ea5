import type { TokenUsage } from '../../domain/answer.ts';
import { asObject, type JsonObject } from '../../domain/json.ts';
import { errorOf } from '../error-text.ts';
import type { StreamDialect } from '../sse-pipe.ts';
import { errorEvent } from './events.ts';
import { type Counts, countsOf, tokensOf } from './usage.ts';

/** One stream of a message: its tokens are counted in pieces, the input at its start and the output at its end. */
export class MessageStream implements StreamDialect {
  readonly markers = ['"usage"', '"message_stop"', '"error"', '[DONE]'];
  readonly endsItself = true;
  readonly errorEvent = errorEvent;
  #counts: Counts = {};

  finished({ type }: JsonObject): number {
    return type === 'message_stop' ? 1 : 0;
  }

  /** llama-server's error events hold its own error object, without a type at the top. */
  isError(record: JsonObject): boolean {
    return errorOf(record) !== undefined;
  }

  foreignError(record: JsonObject): string | undefined {
    return record['type'] === 'error' ? undefined : errorOf(record);
  }

  /** The tokens as far as they are known: of each count the last one given. */
  readUsage(record: JsonObject): TokenUsage | undefined {
    this.#counts = { ...this.#counts, ...countsOf(asObject(record['message']) ?? record) };
    return tokensOf(this.#counts);
  }
}
