import type { TokenUsage } from '../domain/answer.ts';
import { asObject, type JsonObject } from '../domain/json.ts';
import { EndpointFailure, Refusal } from '../errors.ts';
import { type AnswerPipe, NOTHING } from './call.ts';
import { errorOf } from './error-text.ts';

/** The longest answer that is converted, in bytes. */
const MAX_BYTES = 256 * 1024 * 1024;

/** What an answer becomes for the client, and the tokens it cost. */
export interface Converted {
  readonly text: string;
  readonly usage: TokenUsage;
}

/** Turns an answer that comes whole into another whole one. */
export class ConvertedPipe implements AnswerPipe {
  readonly contentType: string;
  readonly isOver = false;
  readonly streaming = false;
  usage: TokenUsage | undefined;
  readonly #convert: (answer: JsonObject) => Converted;
  readonly #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(convert: (answer: JsonObject) => Converted, contentType = 'application/json; charset=utf-8') {
    this.#convert = convert;
    this.contentType = contentType;
  }

  push(bytes: Buffer): Buffer {
    this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MAX_BYTES) throw new EndpointFailure('invalid', 'sent an answer that is too long');
    return NOTHING;
  }

  end(): Buffer {
    const answer = parse(Buffer.concat(this.#held));
    const failure = errorOf(answer);
    if (failure !== undefined) throw new Refusal(500, failure);
    const { text, usage } = this.#convert(answer);
    this.usage = usage;
    return Buffer.from(text);
  }

  fail(): undefined {
    return undefined;
  }
}

function parse(answer: Buffer): JsonObject {
  try {
    const object = asObject(JSON.parse(answer.toString('utf8')));
    if (object !== undefined) return object;
  } catch {
    // Reported below, like a value that is no object.
  }
  throw new EndpointFailure('broken', 'ended the answer early');
}
