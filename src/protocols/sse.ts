import { EndpointFailure } from '../errors.ts';
import type { Heartbeat } from './call.ts';

/** The longest record held in memory until its end has come, in bytes. */
const MAX_RECORD_BYTES = 8 * 1024 * 1024;

/**
 * Where the last complete event in these bytes ends (behind its blank line), or 0. Events end with two line ends, each
 * LF, CRLF or CR; mixed forms do not occur in practice and are found by a later, regular one.
 */
function lastEventEnd(bytes: Buffer): number {
  const lf = bytes.lastIndexOf('\n\n', undefined, 'latin1');
  if (lf !== -1 && lf + 2 === bytes.length) return bytes.length;
  const crlf = bytes.lastIndexOf('\r\n\r\n', undefined, 'latin1');
  return Math.max(lf === -1 ? 0 : lf + 2, crlf === -1 ? 0 : crlf + 4, lastBareCr(bytes));
}

function lastBareCr(bytes: Buffer): number {
  const cr = bytes.lastIndexOf('\r\r', undefined, 'latin1');
  return cr === -1 ? 0 : cr + 2;
}

/** A comment, which clients pass over. */
export const COMMENT_HEARTBEAT: Heartbeat = { contentType: 'text/event-stream', text: ': nomyo waiting\n\n' };

/** One event as it stands in the stream: all its bytes, blank line included, and its `data` (empty for a comment). */
export interface SseEvent {
  readonly raw: string;
  readonly data: string;
}

/** Takes complete events apart. `text` ends behind a blank line. */
export function splitEvents(text: string): SseEvent[] {
  const events: SseEvent[] = [];
  for (const raw of text.match(/[\s\S]+?(?:\r\n\r\n|\n\n|\r\r|$)/g) ?? []) events.push({ raw, data: dataOf(raw) });
  return events;
}

/** At the beginning of a stream; in Latin-1, which stands for bytes, it has three letters. */
const BYTE_ORDER_MARK = /^(?:\ufeff|\u00ef\u00bb\u00bf)/;

/** The `data` lines joined by line feeds, each without the one space that may follow the colon. */
function dataOf(event: string): string {
  const raw = event.replace(BYTE_ORDER_MARK, '');
  const lineEnd = raw.length - 2;
  if (raw.startsWith('data: ') && raw.indexOf('\n') === lineEnd) return raw.slice(6, lineEnd);
  const lines = raw.split(/\r\n|\n|\r/).filter((line) => line.startsWith('data:'));
  return lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n');
}

/** The event with other data, which may have several lines: its other lines stay. */
export function withData({ raw, data }: SseEvent, changed: string): string {
  if (raw.includes(data)) return raw.replace(data, () => changed);
  const lines = raw.split(/\r\n|\n|\r/).filter((line) => line !== '' && !line.startsWith('data:'));
  return `${[...lines, ...changed.split('\n').map((line) => `data: ${line}`)].join('\n')}\n\n`;
}

/** Bytes of an event's end that may stand in an earlier read than its last one. */
const MARK_BYTES = 3;

/** Gathers bytes into complete events: whatever the cuts between reads, the same events come out. */
export class SseReader {
  /** What was read of an event whose end has not come, in the pieces in which it came. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** The last bytes of what is held. */
  #tail: Buffer = Buffer.alloc(0);

  /** The events that these bytes complete. Throws `EndpointFailure` where one grows past any sense. */
  push(bytes: Buffer): SseEvent[] {
    return splitEvents(this.complete(bytes).toString('utf8'));
  }

  /** The bytes of all events that these bytes complete; the rest is held. Throws `EndpointFailure` where one grows past any sense. */
  complete(bytes: Buffer): Buffer {
    if (this.#heldBytes > 0 && !this.#completes(bytes)) return this.#hold(bytes, 0);
    const input = this.#heldBytes === 0 ? bytes : Buffer.concat([...this.#held, bytes]);
    const end = lastEventEnd(input);
    this.#held = [];
    this.#heldBytes = 0;
    this.#tail = bytes.subarray(0, 0);
    if (end < input.length) this.#hold(input, end);
    return end === input.length ? input : input.subarray(0, end);
  }

  /** What is left at the stream's end: an event whose blank line never came. */
  rest(): Buffer {
    return Buffer.concat(this.#held);
  }

  /** Joining all that is held at each read would make a long event cost its length squared. */
  #completes(bytes: Buffer): boolean {
    return lastEventEnd(Buffer.concat([this.#tail, bytes])) > 0;
  }

  #hold(bytes: Buffer, from: number): Buffer {
    this.#held.push(Buffer.from(bytes.subarray(from)));
    this.#heldBytes += bytes.length - from;
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(Math.max(from, bytes.length - MARK_BYTES))]).subarray(
      -MARK_BYTES,
    );
    if (this.#heldBytes > MAX_RECORD_BYTES) throw new EndpointFailure('invalid', 'sent a record that is too long');
    return bytes.subarray(0, 0);
  }
}
