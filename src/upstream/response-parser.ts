import { EndpointFailure } from '../errors.ts';

/** What the parser tells about one answer, in this order; `data` at most once per push. */
export interface ParserEvents {
  head(status: number, headers: string[]): void;
  /** Views of what was pushed: what is kept is copied. */
  data(bytes: Buffer): void;
  /** `reusable`: the connection may carry another request. */
  end(reusable: boolean): void;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_LINE_BYTES = 8 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;
const EMPTY = Buffer.alloc(0);

type State = 'head' | 'fixed' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'until-close' | 'done';

/** Parses one HTTP/1.1 answer from the pieces in which it arrives (RFC 9112). Throws `EndpointFailure`. */
export class ResponseParser {
  readonly #events: ParserEvents;
  readonly #headRequest: boolean;
  #state: State = 'head';
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
    const input = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#held = EMPTY;
    let at = 0;
    while (at < input.length && this.#state !== 'done') {
      const next = this.#step(input, at);
      if (next === -1) {
        this.#held = Buffer.from(input.subarray(at));
        break;
      }
      at = next;
    }
    this.#deliver();
    if (this.#state === 'done') this.#events.end(this.#keepAlive && at === input.length);
  }

  /** The endpoint closed the connection: the end of the answer where nothing else marks it, else a broken answer. */
  eof(): void {
    if (this.#state !== 'until-close') throw new EndpointFailure('broken', 'closed the connection early');
    this.#state = 'done';
    this.#events.end(false);
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
    if ((end === -1 ? input.length : end) - at > MAX_HEAD_BYTES) throw invalid('answered with an oversized head');
    if (end === -1) return -1;
    const lines = input.toString('latin1', at, end).split('\r\n');
    const status = parseStatusLine(lines[0] ?? '');
    if (status >= 100 && status < 200) {
      if (status === 101) throw invalid('switched protocols unasked');
      return end + 4;
    }
    const headers = parseHeaders(lines);
    this.#frame(status, headers, lines[0]?.startsWith('HTTP/1.0') ?? false);
    this.#events.head(status, headers);
    return end + 4;
  }

  /** How the body is delimited (RFC 9112, section 6.3). */
  #frame(status: number, headers: readonly string[], http10: boolean): void {
    let length: number | undefined;
    let coding: string | undefined;
    let connection = http10 ? 'close' : '';
    for (let i = 0; i < headers.length; i += 2) {
      const name = (headers[i] ?? '').toLowerCase();
      const value = headers[i + 1] ?? '';
      if (name === 'content-length') length = sameLength(length, value);
      else if (name === 'transfer-encoding') coding = value.toLowerCase();
      else if (name === 'connection') connection = value.toLowerCase();
    }
    this.#keepAlive = !connection.includes('close');
    if (this.#headRequest || status === 204 || status === 304) this.#state = 'done';
    else if (coding !== undefined) this.#chunked(coding, length);
    else if (length === undefined) this.#untilClose();
    else this.#fixed(length);
  }

  #chunked(coding: string, length: number | undefined): void {
    if (coding !== 'chunked') throw invalid(`answered in transfer coding "${coding}"`);
    if (length !== undefined) this.#keepAlive = false;
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
    const lineEnd = input[i] === CR && input[i + 1] === LF ? i : input.indexOf('\r\n', i, 'latin1');
    if (lineEnd === -1) return this.#waitForLine(input, at);
    if (i === at || size > Number.MAX_SAFE_INTEGER || !beginsExtension(input[i]))
      throw invalid('sent a bad chunk size');
    this.#left = size;
    this.#state = size === 0 ? 'trailer' : 'chunk-data';
    return lineEnd + 2;
  }

  #chunkEnd(input: Buffer, at: number): number {
    if (input.length - at < 2) return -1;
    if (input[at] !== CR || input[at + 1] !== LF) throw invalid('sent a chunk longer than it said');
    this.#state = 'chunk-size';
    return at + 2;
  }

  #trailer(input: Buffer, at: number): number {
    const lineEnd = input.indexOf('\r\n', at, 'latin1');
    if (lineEnd === -1) return this.#waitForLine(input, at);
    this.#trailerBytes += lineEnd - at;
    if (this.#trailerBytes > MAX_LINE_BYTES) throw invalid('sent oversized trailers');
    if (lineEnd === at) this.#state = 'done';
    return lineEnd + 2;
  }

  #waitForLine(input: Buffer, at: number): -1 {
    if (input.length - at > MAX_LINE_BYTES) throw invalid('sent an oversized chunk line');
    return -1;
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

function parseStatusLine(line: string): number {
  const status = Number(line.slice(9, 12));
  if (!/^HTTP\/1\.[01] [1-9]\d\d( |$)/.test(line)) throw invalid('did not answer in HTTP/1.1');
  return status;
}

function parseHeaders(lines: readonly string[]): string[] {
  const headers: string[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? '';
    const colon = line.indexOf(':');
    if (colon < 1 || line.charCodeAt(colon - 1) === 0x20) throw invalid('sent a malformed header');
    headers.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
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
  return c === CR || c === 0x3b || c === 0x20 || c === 0x09;
}

function invalid(what: string): EndpointFailure {
  return new EndpointFailure('invalid', what);
}
