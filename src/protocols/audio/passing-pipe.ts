import type { TokenUsage } from '../../domain/answer.ts';
import { type AnswerPipe, NOTHING } from '../call.ts';
import { parseObject } from '../json/parse.ts';
import { SseReader, splitEvents } from '../sse.ts';
import { readUsage } from './usage.ts';

const TELLING = /"usage"/;

/** Lets a stream through as it comes, and reads what it says of its cost alone; one that breaks off can only be cut. */
export class PassingPipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly isOver = false;
  readonly streaming = true;
  readonly pieces = 0;
  readonly timings = undefined;
  usage: TokenUsage | undefined;
  #reader: SseReader | undefined = new SseReader();

  push(bytes: Buffer): Buffer {
    this.#note(this.#complete(bytes));
    return bytes;
  }

  end(): Buffer {
    this.#note(this.#reader?.rest() ?? NOTHING);
    return NOTHING;
  }

  fail(): undefined {
    return undefined;
  }

  /** An event that is too long to be held passes, and all that follows it, unread. */
  #complete(bytes: Buffer): Buffer {
    try {
      return this.#reader?.complete(bytes) ?? NOTHING;
    } catch {
      this.#reader = undefined;
      return NOTHING;
    }
  }

  #note(events: Buffer): void {
    const text = events.toString('latin1');
    if (!TELLING.test(text)) return;
    for (const { data } of splitEvents(text)) this.usage = readUsage(parseObject(data) ?? null) ?? this.usage;
  }
}
