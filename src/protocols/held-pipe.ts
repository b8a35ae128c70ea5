import type { TokenUsage } from '../domain/answer.ts';
import { EndpointFailure } from '../errors.ts';
import { type AnswerPipe, NOTHING } from './call.ts';
import { JsonSyntaxError } from './json/scan.ts';

/** The longest answer that is held, in bytes: thousands of long vectors fit. */
const MAX_BYTES = 256 * 1024 * 1024;

/** What the client gets of a whole answer, and the tokens it cost. */
export interface Finished {
  readonly answer: Buffer;
  readonly usage: TokenUsage | undefined;
}

/** Holds a JSON answer of any size until it is whole, so that it can be changed in places or come from another endpoint. */
export class HeldPipe implements AnswerPipe {
  readonly contentType: string | undefined;
  readonly isOver = false;
  readonly streaming = false;
  readonly pieces = 0;
  readonly timings = undefined;
  usage: TokenUsage | undefined;
  readonly #finish: (answer: Buffer) => Finished;
  readonly #most: number;
  readonly #held: Buffer[] = [];
  #heldBytes = 0;

  /** `finish` may throw errors of JSON's syntax: they mean that the answer is not whole. `contentType`: where it becomes another. */
  constructor(finish: (answer: Buffer) => Finished, most = MAX_BYTES, contentType?: string) {
    this.contentType = contentType;
    this.#finish = finish;
    this.#most = most;
  }

  push(bytes: Buffer): Buffer {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#most) throw new EndpointFailure('invalid', 'sent an answer that is too long');
    this.#held.push(Buffer.from(bytes));
    return NOTHING;
  }

  end(): Buffer {
    const whole = Buffer.concat(this.#held);
    this.#held.length = 0;
    try {
      const { answer, usage } = this.#finish(whole);
      this.usage = usage;
      return answer;
    } catch (error) {
      if (!(error instanceof JsonSyntaxError) && !(error instanceof SyntaxError)) throw error;
      throw new EndpointFailure('broken', 'ended the answer early');
    }
  }

  fail(): undefined {
    return undefined;
  }
}
