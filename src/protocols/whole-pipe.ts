import type { Timings, TokenUsage } from '../domain/answer.ts';
import { asObject, type JsonObject } from '../domain/json.ts';
import { EndpointFailure } from '../errors.ts';
import { type AnswerPipe, NOTHING } from './call.ts';
import { parseObject } from './json/parse.ts';

/** Up to this size an answer is held until it is whole, so that a broken one can still be given by another endpoint. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
/** Within so many bytes of its end an answer tells what it cost; only Ollama has log probabilities behind that. */
const TAIL_BYTES = 4096;

/** Lets an answer that is no stream through, byte for byte. */
export class WholePipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly isOver = false;
  readonly streaming = false;
  readonly pieces = 0;
  usage: TokenUsage | undefined;
  timings: Timings | undefined;
  readonly #readUsage: (answer: JsonObject) => TokenUsage | undefined;
  readonly #readTimings: ((answer: JsonObject) => Timings | undefined) | undefined;
  readonly #edit: (answer: Buffer) => Buffer;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #flowing = false;
  /** The last bytes of an answer that flows. */
  #tail: Buffer = NOTHING;
  #isOpaque = false;

  /** `edit` changes the whole answer; one too large to be held passes unchanged. */
  constructor(
    readUsage: (answer: JsonObject) => TokenUsage | undefined,
    edit: (answer: Buffer) => Buffer,
    readTimings?: (answer: JsonObject) => Timings | undefined,
  ) {
    this.#readUsage = readUsage;
    this.#edit = edit;
    this.#readTimings = readTimings;
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
    if (this.#flowing) return this.#flow(bytes);
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= MAX_HELD_BYTES) return NOTHING;
    this.#flowing = true;
    return this.#flow(this.#take());
  }

  end(): Buffer {
    if (this.#flowing) {
      this.#note(lastMembers(this.#tail));
      return NOTHING;
    }
    const answer = this.#take();
    if (this.#isOpaque) return answer;
    const object = parse(answer);
    // Cut off where nothing marked its end, or no answer at all: another endpoint may have one.
    if (object === undefined) throw new EndpointFailure('broken', 'ended the answer early');
    this.#note(object);
    return this.#edit(answer);
  }

  fail(): undefined {
    return undefined;
  }

  #note(answer: JsonObject): void {
    this.usage = this.#readUsage(answer);
    this.timings = this.#readTimings?.(answer);
  }

  #flow(bytes: Buffer): Buffer {
    if (this.#isOpaque) return bytes;
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    return bytes;
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

/** As many of an object's last members as stand whole in the end of its text; within strings quotes are escaped. */
function lastMembers(tail: Buffer): JsonObject {
  const text = tail.toString('latin1');
  for (const { index } of text.matchAll(/,\s*"/g)) {
    const members = parseObject(`{${text.slice(index + 1)}`);
    if (members !== undefined) return members;
  }
  return {};
}
