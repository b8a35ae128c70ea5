import type { Timings, TokenUsage } from '../../domain/answer.ts';
import type { JsonObject } from '../../domain/json.ts';
import { EndpointFailure } from '../../errors.ts';
import { type AnswerPipe, NOTHING } from '../call.ts';
import { errorOf } from '../error-text.ts';
import { parseObject } from '../json/parse.ts';
import { objectText, text } from '../json/write.ts';
import { LINE_END, member, pieceCounter } from '../pieces.ts';
import { readTimings, readUsage } from './usage.ts';

const LINE_FEED = 0x0a;
/** The Go client refuses lines from 8,000,000 bytes on; a longer one is passed on in pieces. */
const MAX_LINE_BYTES = 8_000_000;
const EARLY_END = 'ended the answer early';
/** A line that may be the last one of an answer. */
const ENDING = /"done"\s*:\s*true|"success"|"error"/;
const countPieces = pieceCounter(
  `${member.text('content|response|thinking')}|${member.object('tool_calls')}`,
  LINE_END,
);

/**
 * Lets a stream of JSON lines through, byte for byte, in whole lines: clients of Ollama read a cut line as an error. Only
 * the line that ends the answer is read, for its counts. Latin-1 stands for bytes here.
 */
export class NdjsonPipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly streaming = true;
  pieces = 0;
  readonly #edit: ((lines: Buffer) => Buffer) | undefined;
  #held: Buffer = NOTHING;
  /** The last line that is not blank, where the answer ends with it: it is done, a task succeeded, or why not. */
  #ending: JsonObject | undefined;
  #spoken = false;
  /** What was passed on last is a piece of a line that is too long to be held. */
  #midLine = false;
  #endedEarly = false;

  /** `edit` changes whole lines on their way. */
  constructor(edit: ((lines: Buffer) => Buffer) | undefined) {
    this.#edit = edit;
  }

  get isOver(): boolean {
    return this.#ending !== undefined && this.#ending['status'] !== 'success';
  }

  get usage(): TokenUsage | undefined {
    return this.#ending && readUsage(this.#ending);
  }

  get timings(): Timings | undefined {
    return this.#ending && readTimings(this.#ending);
  }

  get trouble(): string | undefined {
    if (this.#endedEarly) return EARLY_END;
    const said = this.#ending && errorOf(this.#ending);
    return said && Buffer.from(said, 'latin1').toString('utf8');
  }

  push(bytes: Buffer): Buffer {
    const input = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const lineEnd = input.lastIndexOf(LINE_FEED) + 1;
    const end = lineEnd === 0 && input.length > MAX_LINE_BYTES ? input.length : lineEnd;
    this.#held = end === input.length ? NOTHING : Buffer.from(input.subarray(end));
    if (end > 0) this.#midLine = lineEnd === 0;
    return end === 0 ? NOTHING : this.#pass(end === input.length ? input : input.subarray(0, end));
  }

  /** Nothing at all is no answer: another endpoint may give one. */
  end(): Buffer {
    const isLine = this.#midLine || parseObject(this.#held.toString('latin1')) !== undefined;
    const said = isLine && this.#held.length > 0 ? this.#pass(this.#held) : NOTHING;
    if (!this.#spoken) throw new EndpointFailure('broken', EARLY_END);
    if (this.#ending !== undefined) return said;
    this.#endedEarly = true;
    this.#midLine = isLine;
    return Buffer.concat([said, this.fail(`the endpoint ${EARLY_END}`)]);
  }

  /** A line that was not finished never reaches the client. */
  fail(message: string): Buffer {
    if (this.#ending !== undefined) return NOTHING;
    return Buffer.from(`${this.#midLine ? '\n' : ''}${objectText({ error: text(message) })}\n`);
  }

  #pass(lines: Buffer): Buffer {
    this.#spoken = true;
    const said = lines.toString('latin1');
    this.pieces += countPieces(said);
    const last = lastLine(said);
    if (last !== '') this.#ending = ENDING.test(last) ? endingIn(last) : undefined;
    return this.#edit === undefined ? lines : this.#edit(lines);
  }
}

/** The last line that is not blank, whether or not its line feed is there. */
function lastLine(lines: string): string {
  const end = lines.trimEnd().length;
  return lines.slice(lines.lastIndexOf('\n', end - 1) + 1, end);
}

/** A tool's arguments and a text may say the same as a line that ends an answer. */
function endingIn(line: string): JsonObject | undefined {
  const last = parseObject(line);
  return last?.['done'] === true || last?.['status'] === 'success' || (last && 'error' in last) ? last : undefined;
}
