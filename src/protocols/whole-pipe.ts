import type { TokenUsage } from '../domain/answer.ts';
import { asObject, type JsonObject } from '../domain/json.ts';
import { type AnswerPipe, NOTHING } from './call.ts';

/** Up to this size an answer is held until it is whole, so that a broken one can still be given by another endpoint. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/** Lets an answer that is no stream through, byte for byte. */
export class WholePipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly streaming = false;
  usage: TokenUsage | undefined;
  readonly #readUsage: (answer: JsonObject) => TokenUsage | undefined;
  readonly #edit: (answer: Buffer) => Buffer;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #flowing = false;

  /** `edit` changes the whole answer; one too large to be held passes unchanged and uncounted. */
  constructor(readUsage: (answer: JsonObject) => TokenUsage | undefined, edit: (answer: Buffer) => Buffer) {
    this.#readUsage = readUsage;
    this.#edit = edit;
  }

  push(bytes: Buffer): Buffer {
    if (this.#flowing) return bytes;
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= MAX_HELD_BYTES) return NOTHING;
    this.#flowing = true;
    return this.#take();
  }

  end(): Buffer {
    if (this.#flowing) return NOTHING;
    const answer = this.#take();
    this.usage = this.#count(answer);
    return this.#edit(answer);
  }

  fail(): undefined {
    return undefined;
  }

  #take(): Buffer {
    const [first] = this.#held;
    const whole = this.#held.length === 1 && first !== undefined ? first : Buffer.concat(this.#held);
    this.#held = [];
    return whole;
  }

  #count(answer: Buffer): TokenUsage | undefined {
    try {
      const object = asObject(JSON.parse(answer.toString('utf8')));
      return object && this.#readUsage(object);
    } catch {
      return undefined;
    }
  }
}
