import type { TokenUsage } from '../domain/answer.ts';
import { asObject, type JsonObject } from '../domain/json.ts';
import { EndpointFailure } from '../errors.ts';
import { type AnswerPipe, NOTHING } from './call.ts';

/** Up to this size an answer is held until it is whole, so that a broken one can still be given by another endpoint. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;

/** Lets an answer that is no stream through, byte for byte. */
export class WholePipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly isOver = false;
  readonly streaming = false;
  usage: TokenUsage | undefined;
  readonly #readUsage: (answer: JsonObject) => TokenUsage | undefined;
  readonly #edit: (answer: Buffer) => Buffer;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #flowing = false;
  #isOpaque = false;

  /** `edit` changes the whole answer; one too large to be held passes unchanged and uncounted. */
  constructor(readUsage: (answer: JsonObject) => TokenUsage | undefined, edit: (answer: Buffer) => Buffer) {
    this.#readUsage = readUsage;
    this.#edit = edit;
  }

  /** For an answer that may be anything: it is not looked at. */
  static opaque(): WholePipe {
    const pipe = new WholePipe(
      () => undefined,
      (answer) => answer,
    );
    pipe.#isOpaque = true;
    return pipe;
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
    if (this.#isOpaque) return answer;
    const object = parse(answer);
    // Cut off where nothing marked its end, or no answer at all: another endpoint may have one.
    if (object === undefined) throw new EndpointFailure('broken', 'ended the answer early');
    this.usage = this.#readUsage(object);
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
}

function parse(answer: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(answer.toString('utf8')));
  } catch {
    return undefined;
  }
}
