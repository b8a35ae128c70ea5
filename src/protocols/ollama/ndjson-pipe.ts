import type { TokenUsage } from '../../domain/answer.ts';
import { asObject, type JsonObject } from '../../domain/json.ts';
import { EndpointFailure } from '../../errors.ts';
import { type AnswerPipe, NOTHING } from '../call.ts';
import { objectText, text } from '../json/write.ts';
import { readUsage } from './usage.ts';

const LINE_FEED = 0x0a;
/** The Go client refuses lines from 8,000,000 bytes on; a longer one is passed on in pieces. */
const MAX_LINE_BYTES = 8_000_000;
const EARLY_END = 'ended the answer early';

/**
 * Lets a stream of JSON lines through, byte for byte, in whole lines: clients of Ollama read a cut line as an error. Only
 * the last line is read, for its token counts and for whether the answer is complete.
 */
export class NdjsonPipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly streaming = true;
  usage: TokenUsage | undefined;
  readonly #edit: ((lines: Buffer) => Buffer) | undefined;
  #held: Buffer = NOTHING;
  #lastLine: Buffer = NOTHING;
  #spoken = false;
  /** What was passed on last is a piece of a line that is too long to be held. */
  #midLine = false;

  /** `edit` changes whole lines on their way. */
  constructor(edit: ((lines: Buffer) => Buffer) | undefined) {
    this.#edit = edit;
  }

  get isOver(): boolean {
    return this.#lastLine.includes('"done":true') || this.#lastLine.includes('{"error"');
  }

  push(bytes: Buffer): Buffer {
    const input = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const lineEnd = input.lastIndexOf(LINE_FEED) + 1;
    const end = lineEnd === 0 && input.length > MAX_LINE_BYTES ? input.length : lineEnd;
    this.#held = Buffer.from(input.subarray(end));
    if (end > 0) this.#midLine = lineEnd === 0;
    return end === 0 ? NOTHING : this.#pass(end === input.length ? input : input.subarray(0, end));
  }

  /** Nothing at all is no answer: another endpoint may give one. */
  end(): Buffer {
    const isLine = this.#midLine || parse(this.#held) !== undefined;
    const said = isLine && this.#held.length > 0 ? this.#pass(this.#held) : NOTHING;
    if (!this.#spoken) throw new EndpointFailure('broken', EARLY_END);
    if (this.#isComplete()) return said;
    this.#midLine = isLine;
    return Buffer.concat([said, this.fail(`the endpoint ${EARLY_END}`)]);
  }

  /** A line that was not finished never reaches the client. */
  fail(message: string): Buffer {
    if (this.#isComplete()) return NOTHING;
    return Buffer.from(`${this.#midLine ? '\n' : ''}${objectText({ error: text(message) })}\n`);
  }

  #pass(lines: Buffer): Buffer {
    this.#spoken = true;
    const last = lastLine(lines);
    if (last.length > 0) this.#lastLine = Buffer.from(last);
    return this.#edit === undefined ? lines : this.#edit(lines);
  }

  #isComplete(): boolean {
    const last = parse(this.#lastLine);
    this.usage = last && readUsage(last);
    return last !== undefined && isTerminal(last);
  }
}

/** The last line that is not blank, whether or not its line feed is there. */
function lastLine(lines: Buffer): Buffer {
  let end = lines.length;
  for (let c = lines[end - 1]; c === LINE_FEED || c === 0x0d || c === 0x20; c = lines[end - 1]) end--;
  return end === 0 ? NOTHING : lines.subarray(lines.lastIndexOf(LINE_FEED, end - 1) + 1, end);
}

function parse(line: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(line.toString('utf8')));
  } catch {
    return undefined;
  }
}

/** Nothing follows: an answer is done, a task succeeded, or the endpoint said why not. */
function isTerminal(last: JsonObject): boolean {
  return last['done'] === true || last['status'] === 'success' || 'error' in last;
}
