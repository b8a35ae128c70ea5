import { write, writeSync } from 'node:fs';
import { unblocked } from './unblocked.ts';

/** Bytes that are gathered for one write, and how many times that much may wait: together 1 MiB. */
const PIECE = 64 * 1024;
const MOST_PIECES = 16;
/** Bytes a character may need. */
const WIDEST = 3;
const LINE_FEED = 0x0a;
/** Room for the line that tells of lines left out. */
const NOTICE = 1_024;
/** Lines are gathered for so long; what would not take more is tried again after as long. */
const PAUSE_MS = 20;
/** At the end of the process, for a reader that is slow. */
const LAST_PATIENCE_MS = 2_000;
const LAST_PAUSE_MS = 5;
/** At the end of the process, for a write under way: its end is told to nobody any more. */
const SETTLE_MS = 50;

/** Whole lines: `length` bytes, of which the first `written` are gone. */
interface Piece {
  readonly bytes: Buffer;
  length: number;
  lines: number;
  written: number;
}

/** A write under way: bytes of a piece up to `end`, since a time of the monotonic clock in milliseconds. */
interface Flight {
  readonly piece: Piece;
  readonly end: number;
  readonly since: number;
}

/**
 * Writes lines to a file descriptor behind the back of whoever says them. Nobody waits, one write is under way, no more than
 * 1 MiB is held. What cannot be written, because nobody reads or the other end is closed, is left out and counted.
 * Nothing here throws.
 */
export class LineSink {
  /** Lines left out so far. */
  dropped = 0;
  readonly #fd: number;
  readonly #onDropped: (lines: number) => void;
  /** Lines left out that `onDropped` was not told of. */
  #untold = 0;
  /** The oldest first. */
  readonly #pieces: Piece[] = [emptyPiece()];
  #flight: Flight | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `onDropped` is told of lines left out as soon as there is room for a line: what it writes stands where they are missing. */
  constructor(fd: number, onDropped: (lines: number) => void) {
    this.#fd = unblocked(fd);
    this.#onDropped = onDropped;
  }

  /** Takes a line without its end, of 20,000 characters at most. It is written within some 20 ms, if the other end takes it. */
  write(line: string): void {
    const piece = this.#roomFor(line.length * WIDEST + 1 + (this.#untold > 0 ? NOTICE : 0));
    if (piece === undefined) {
      this.#lose(1);
      return;
    }
    if (this.#untold > 0) this.#tell();
    append(piece, line);
    this.#sendLater();
  }

  /** Writes what is left before the process ends; gives up where the other end does not take it in two seconds. */
  flushSync(): void {
    if (!this.#settled()) return;
    const deadline = performance.now() + LAST_PATIENCE_MS;
    for (let piece = this.#next(); piece !== undefined; piece = this.#next()) {
      const bytes = writeSome(this.#fd, piece, deadline);
      if (bytes === 0) break;
      this.#advance(piece, bytes);
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #roomFor(bytes: number): Piece | undefined {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.length + bytes <= PIECE) return last;
    if (this.#pieces.length === MOST_PIECES || bytes > PIECE) return undefined;
    const piece = emptyPiece();
    this.#pieces.push(piece);
    return piece;
  }

  #lose(lines: number): void {
    this.dropped += lines;
    this.#untold += lines;
  }

  #tell(): void {
    const lines = this.#untold;
    this.#untold = 0;
    this.#onDropped(lines);
  }

  /** The timer keeps no process alive: whoever ends it calls `flushSync`. */
  #sendLater(): void {
    if (this.#flight === undefined) this.#timer ??= setTimeout(() => this.#send(), PAUSE_MS).unref();
  }

  /** The oldest piece, where something of it is left to write. */
  #next(): Piece | undefined {
    const first = this.#pieces[0];
    return first !== undefined && first.written < first.length ? first : undefined;
  }

  #send(): void {
    this.#timer = undefined;
    const piece = this.#next();
    if (piece === undefined) return;
    const { bytes, written, length } = piece;
    const flight = { piece, end: length, since: performance.now() };
    this.#flight = flight;
    // Lines may be appended behind its end meanwhile.
    write(this.#fd, bytes, written, length - written, null, (error, count) => {
      if (this.#flight !== flight) return;
      this.#flight = undefined;
      if (error === null) this.#advance(piece, count);
      else if (!isFull(error)) this.#refused(piece);
      this.#goOn(piece);
    });
  }

  #goOn(last: Piece): void {
    const next = this.#next();
    if (next === last) this.#sendLater();
    // More than a piece waits: it need not wait for company.
    else if (next !== undefined) this.#send();
  }

  #advance(piece: Piece, bytes: number): void {
    piece.written += bytes;
    if (piece.written < piece.length) return;
    this.#remove(piece);
    if (this.#untold > 0 && this.#next() === undefined) this.#tell();
  }

  /** Closed, or no room on the disk: that may have changed when the next piece comes. */
  #refused(piece: Piece): void {
    this.#lose(piece.lines);
    this.#remove(piece);
  }

  #remove(piece: Piece): void {
    if (this.#pieces.length > 1) this.#pieces.shift();
    else Object.assign(piece, { length: 0, lines: 0, written: 0 });
  }

  /** Whether the descriptor is free. A write under way gets the time it needs, unless it is one that never ends. */
  #settled(): boolean {
    const flight = this.#flight;
    if (flight === undefined) return true;
    if (performance.now() - flight.since > LAST_PATIENCE_MS) return false;
    pause(SETTLE_MS);
    this.#flight = undefined;
    this.#advance(flight.piece, flight.end - flight.piece.written);
    return true;
  }
}

function emptyPiece(): Piece {
  return { bytes: Buffer.allocUnsafe(PIECE), length: 0, lines: 0, written: 0 };
}

function append(piece: Piece, line: string): void {
  piece.length += piece.bytes.write(line, piece.length);
  piece.bytes[piece.length++] = LINE_FEED;
  piece.lines++;
}

/** How many bytes went out before the deadline; 0 where nobody takes any. */
function writeSome(fd: number, { bytes, written, length }: Piece, deadline: number): number {
  while (performance.now() < deadline) {
    try {
      return writeSync(fd, bytes, written, length - written);
    } catch (error) {
      if (!isFull(error)) return 0;
      pause(LAST_PAUSE_MS);
    }
  }
  return 0;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
