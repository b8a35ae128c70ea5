import { EndpointFailure } from '../errors.ts';

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

/** The `data` lines joined by line feeds, each without the one space that may follow the colon. */
function dataOf(raw: string): string {
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

/** Gathers bytes into complete events: whatever the cuts between reads, the same events come out. */
export class SseReader {
  #held: Buffer = Buffer.alloc(0);

  /** The events that these bytes complete. Throws `EndpointFailure` where one grows past any sense. */
  push(bytes: Buffer): SseEvent[] {
    return splitEvents(this.complete(bytes).toString('utf8'));
  }

  /** The bytes of all events that these bytes complete; the rest is held. Throws `EndpointFailure` where one grows past any sense. */
  complete(bytes: Buffer): Buffer {
    const input = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const end = lastEventEnd(input);
    this.#held = Buffer.from(input.subarray(end));
    if (this.#held.length > MAX_RECORD_BYTES) throw new EndpointFailure('invalid', 'sent a record that is too long');
    return end === input.length ? input : input.subarray(0, end);
  }

  /** What is left at the stream's end: an event whose blank line never came. */
  rest(): Buffer {
    return this.#held;
  }
}
