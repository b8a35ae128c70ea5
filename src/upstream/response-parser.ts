import { EndpointFailure } from '../errors.ts';

/** What the parser tells about one answer, in this order; `data` at most once per push. */
export interface ParserEvents {
  head(status: number, headers: string[]): void;
  /** Views of what was pushed: what is kept is copied. */
  data(bytes: Buffer): void;
  /** `reusable`: the connection may carry another request. */
  end(reusable: boolean): void;
}

/** Of all heads of an answer: an endpoint that sends interim answers for ever does not get on. */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 8 * 1024;
const STATUS_START = 'HTTP/1.';
const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const TAB = 0x09;
const EMPTY = Buffer.alloc(0);

/** What node, too, insists on: it would refuse to pass anything else on to the client. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;
const NOT_IN_HEAD = /[^\t\x20-\x7e\x80-\xff]/;

type State = 'head' | 'fixed' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'until-close' | 'done';

/** Parses one HTTP/1.1 answer from the pieces in which it arrives (RFC 9112). Throws `EndpointFailure`. */
export class ResponseParser {
  readonly #events: ParserEvents;
  readonly #headRequest: boolean;
  #state: State = 'head';
  #headBytes = 0;
  #held: Buffer = EMPTY;
  #left = 0;
  #trailerBytes = 0;
  #keepAlive = true;
  #pieces: Buffer[] = [];

  constructor(events: ParserEvents, method: string) {
    this.#events = events;
    this.#headRequest = method === 'HEAD';
  }

  /** Takes the next bytes from the connection. */
  push(bytes: Buffer): void {
    if (this.#isDone) return;
    const input = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#held = EMPTY;
    let at: number;
    try {
      at = this.#consume(input);
    } finally {
      // Also what came before a mistake: the sink's view must not depend on where the network cut.
      this.#deliver();
    }
    if (this.#isDone) this.#events.end(this.#keepAlive && at === input.length);
  }

  /** The endpoint closed the connection: the end of the answer where nothing else marks it, else a broken answer. */
  eof(): void {
    if (this.#state !== 'until-close') throw new EndpointFailure('broken', 'closed the connection early');
    this.#state = 'done';
    this.#events.end(false);
  }

  get #isDone(): boolean {
    return this.#state === 'done';
  }

  /** Takes what is whole and holds the rest back; where the taken part ends. */
  #consume(input: Buffer): number {
    let at = 0;
    while (at < input.length && this.#state !== 'done') {
      const next = this.#step(input, at);
      if (next === -1) {
        this.#held = Buffer.from(input.subarray(at));
        return at;
      }
      at = next;
    }
    return at;
  }

  /** Consumes from `at`; where the next byte to look at is, or -1 when more must come first. */
  #step(input: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#head(input, at);
      case 'fixed':
      case 'chunk-data':
        return this.#body(input, at);
      case 'chunk-size':
        return this.#chunkSize(input, at);
      case 'chunk-end':
        return this.#chunkEnd(input, at);
      case 'trailer':
        return this.#trailer(input, at);
      case 'until-close':
        this.#pieces.push(input.subarray(at));
        return input.length;
      case 'done':
        return -1;
    }
  }

  #head(input: Buffer, at: number): number {
    const end = input.indexOf(HEAD_END, at);
    // Where the end is missing, three of its bytes may have come.
    const length = (end === -1 ? input.length - 3 : end) - at;
    if (this.#headBytes + length > MAX_HEAD_BYTES) throw invalid('answered with an oversized head');
    if (end === -1) return waitForHead(input, at);
    this.#headBytes += length;
    const lines = input.toString('latin1', at, end).split('\r\n');
    const status = parseStatusLine(lines[0] ?? '');
    const headers = parseHeaders(lines);
    if (status === 101) throw invalid('switched protocols unasked');
    if (status < 200) return end + 4;
    this.#frame(status, headers, lines[0]?.startsWith('HTTP/1.0') ?? false);
    this.#events.head(status, headers);
    return end + 4;
  }

  /** How the body is delimited (RFC 9112, section 6.3). */
  #frame(status: number, headers: readonly string[], http10: boolean): void {
    let length: number | undefined;
    let coding: string | undefined;
    let connection = '';
    for (let i = 0; i < headers.length; i += 2) {
      const name = (headers[i] ?? '').toLowerCase();
      const value = headers[i + 1] ?? '';
      if (name === 'content-length') length = sameLength(length, value);
      else if (name === 'transfer-encoding') coding = joined(coding, value);
      else if (name === 'connection') connection = joined(connection, value);
    }
    this.#keepAlive = !connection.includes('close') && (!http10 || connection.includes('keep-alive'));
    if (this.#headRequest || status === 204 || status === 304) this.#state = 'done';
    else if (coding !== undefined) this.#chunked(coding, length, http10);
    else if (length === undefined) this.#untilClose();
    else this.#fixed(length);
  }

  #chunked(coding: string, length: number | undefined, http10: boolean): void {
    if (coding !== 'chunked') throw invalid(`answered in transfer coding "${coding}"`);
    if (length !== undefined) throw invalid('sent a content-length for a chunked body');
    // HTTP/1.0 has no chunks: whatever stands between us and the endpoint may see another end than we do.
    if (http10) this.#keepAlive = false;
    this.#state = 'chunk-size';
  }

  #fixed(length: number): void {
    this.#left = length;
    this.#state = length === 0 ? 'done' : 'fixed';
  }

  #untilClose(): void {
    this.#keepAlive = false;
    this.#state = 'until-close';
  }

  #body(input: Buffer, at: number): number {
    const end = Math.min(input.length, at + this.#left);
    this.#pieces.push(at === 0 && end === input.length ? input : input.subarray(at, end));
    this.#left -= end - at;
    if (this.#left === 0) this.#state = this.#state === 'fixed' ? 'done' : 'chunk-end';
    return end;
  }

  #chunkSize(input: Buffer, at: number): number {
    let size = 0;
    let i = at;
    for (let digit = hexDigit(input[i]); digit !== -1; digit = hexDigit(input[i])) {
      size = size * 16 + digit;
      i++;
    }
    // Seen before the line is whole: an endpoint may never end a line that is none.
    if (i < input.length && (i === at || !beginsExtension(input[i]))) throw invalid('sent a bad chunk size');
    const end = lineEnd(input, at, i);
    if (end === -1) return -1;
    if (size > Number.MAX_SAFE_INTEGER || !isOneLine(input, i, end)) throw invalid('sent a bad chunk size');
    this.#left = size;
    this.#state = size === 0 ? 'trailer' : 'chunk-data';
    return end + 2;
  }

  #chunkEnd(input: Buffer, at: number): number {
    if (input.length - at < 2) return -1;
    if (input[at] !== CR || input[at + 1] !== LF) throw invalid('sent a chunk longer than it said');
    this.#state = 'chunk-size';
    return at + 2;
  }

  #trailer(input: Buffer, at: number): number {
    const end = lineEnd(input, at, at);
    if (end === -1) return -1;
    this.#trailerBytes += end - at;
    if (this.#trailerBytes > MAX_LINE_BYTES) throw invalid('sent oversized trailers');
    if (end === at) this.#state = 'done';
    return end + 2;
  }

  /** Pieces that arrived together are handed on together: one write to the client instead of many. */
  #deliver(): void {
    const [first] = this.#pieces;
    if (first === undefined) return;
    const data = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#events.data(data);
  }
}

/** What can never become a head is refused before its end: whoever sent it may be waiting for us. */
function waitForHead(input: Buffer, at: number): -1 {
  if (!STATUS_START.startsWith(input.toString('latin1', at, at + STATUS_START.length)))
    throw invalid('did not answer in HTTP/1.1');
  for (let i = input.indexOf(LF, at); i !== -1; i = input.indexOf(LF, i + 1))
    if (input[i - 1] !== CR) throw invalid('sent a malformed header');
  return -1;
}

function parseStatusLine(line: string): number {
  if (!/^HTTP\/1\.[01] [1-9]\d\d( |$)/.test(line)) throw invalid('did not answer in HTTP/1.1');
  return Number(line.slice(9, 12));
}

function parseHeaders(lines: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!HEADER_NAME.test(name) || NOT_IN_HEAD.test(line)) throw invalid('sent a malformed header');
    headers.push(name, trimmed(line, colon + 1));
  }
  return headers;
}

/** Not `trim`: it takes 0xa0 away, too, which may be the last byte of a UTF-8 character. */
function trimmed(line: string, start: number): string {
  let [from, to] = [start, line.length];
  while (from < to && isBlank(line.charCodeAt(from))) from++;
  while (to > from && isBlank(line.charCodeAt(to - 1))) to--;
  return line.slice(from, to);
}

function isBlank(c: number | undefined): boolean {
  return c === SPACE || c === TAB;
}

/** A header that stands twice is one list (RFC 9110, section 5.3). */
function joined(before: string | undefined, value: string): string {
  return before === undefined || before === '' ? value.toLowerCase() : `${before}, ${value.toLowerCase()}`;
}

function sameLength(before: number | undefined, value: string): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(length) || (before !== undefined && before !== length)) throw invalid('sent a bad content-length');
  return length;
}

function hexDigit(c: number | undefined): number {
  if (c === undefined) return -1;
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** What may follow the digits of a chunk size: the line's end, or white space or a semicolon before extensions. */
function beginsExtension(c: number | undefined): boolean {
  return c === CR || c === 0x3b || isBlank(c);
}

/** Where the line that began at `start` ends, looked for from `from`; -1 when more must come first. */
function lineEnd(input: Buffer, start: number, from: number): number {
  const end = input[from] === CR && input[from + 1] === LF ? from : input.indexOf('\r\n', from, 'latin1');
  // Where the end is missing, its first byte may have come.
  if ((end === -1 ? input.length - 1 : end) - start > MAX_LINE_BYTES) throw invalid('sent an oversized chunk line');
  return end;
}

/** A line end of half a kind hides from us what another reader takes for a line of its own. */
function isOneLine(input: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (input[i] === CR || input[i] === LF) return false;
  return true;
}

function invalid(what: string): EndpointFailure {
  return new EndpointFailure('invalid', what);
}
