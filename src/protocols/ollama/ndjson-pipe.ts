import type { TokenUsage } from '../../domain/answer.ts';
import { asObject, type JsonObject } from '../../domain/json.ts';
import { type AnswerPipe, NOTHING } from '../call.ts';
import { objectText, text } from '../json/write.ts';
import { readUsage } from './usage.ts';

const LINE_FEED = 0x0a;
/** The Go client refuses lines from 8,000,000 bytes on; a longer one is passed on in pieces. */
const MAX_LINE_BYTES = 8_000_000;

/**
 * Lets a stream of JSON lines through, byte for byte, in whole lines: clients of Ollama read a cut line as an error. Only
 * the last line is read, for its token counts and for whether the answer is complete.
 */
export class NdjsonPipe implements AnswerPipe {
  readonly contentType = undefined;
  usage: TokenUsage | undefined;
  readonly #edit: ((lines: Buffer) => Buffer) | undefined;
  #held: Buffer = NOTHING;
  #lastLine: Buffer = NOTHING;

  /** `edit` changes whole lines on their way. */
  constructor(edit: ((lines: Buffer) => Buffer) | undefined) {
    this.#edit = edit;
  }

  push(bytes: Buffer): Buffer {
    const input = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const lineEnd = input.lastIndexOf(LINE_FEED) + 1;
    const end = lineEnd === 0 && input.length > MAX_LINE_BYTES ? input.length : lineEnd;
    this.#held = Buffer.from(input.subarray(end));
    return end === 0 ? NOTHING : this.#pass(end === input.length ? input : input.subarray(0, end));
  }

  end(): Buffer {
    const rest = this.#held;
    this.#held = NOTHING;
    const said = rest.length === 0 ? NOTHING : this.#pass(rest);
    const last = parse(this.#lastLine);
    this.usage = last && readUsage(last);
    if (last !== undefined && isTerminal(last)) return said;
    const opened = rest.length === 0 ? '' : '\n';
    return Buffer.concat([said, Buffer.from(`${opened}${errorLine('the endpoint ended the answer early')}`)]);
  }

  /** A line that was not finished never reaches the client. */
  fail(message: string): Buffer {
    const last = parse(this.#lastLine);
    this.usage = last && readUsage(last);
    return last !== undefined && isTerminal(last) ? NOTHING : Buffer.from(errorLine(message));
  }

  #pass(lines: Buffer): Buffer {
    this.#lastLine = Buffer.from(lines.subarray(lineStart(lines), lines.length));
    return this.#edit === undefined ? lines : this.#edit(lines);
  }
}

/** Where the last line begins, whether or not its line feed is there. */
function lineStart(lines: Buffer): number {
  return lines.length < 2 ? 0 : lines.lastIndexOf(LINE_FEED, lines.length - 2) + 1;
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

function errorLine(message: string): string {
  return `${objectText({ error: text(message) })}\n`;
}
