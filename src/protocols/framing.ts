import type { JsonObject } from '../domain/json.ts';
import { EndpointFailure } from '../errors.ts';
import { parseObject } from './json/parse.ts';
import { SseReader, splitEvents } from './sse.ts';

const LINE_FEED = 0x0a;
/** The longest line held in memory until its end has come, in bytes. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const DONE = '[DONE]';

/** Cuts a stream into the texts of its records: whatever the cuts between reads, the same texts come out. */
export interface Framing {
  /** The records that these bytes, which may be overwritten after the call, complete. Throws `EndpointFailure`. */
  push(bytes: Buffer): string[];
  /** At the stream's end: what is left, where only its end mark never came. */
  rest(): string[];
}

/** The framing of a content type; undefined for an answer that is one whole. */
export function framingOf(contentType: string): Framing | undefined {
  if (contentType.startsWith('text/event-stream')) return new EventFraming();
  return contentType.startsWith('application/x-ndjson') ? new LineFraming() : undefined;
}

/** The `data` of server-sent events. */
class EventFraming implements Framing {
  readonly #reader = new SseReader();

  push(bytes: Buffer): string[] {
    return texts(this.#reader.push(bytes));
  }

  rest(): string[] {
    return texts(splitEvents(`${this.#reader.rest().toString('utf8').trimEnd()}\n\n`)).filter(isWhole);
  }
}

function texts(events: readonly { readonly data: string }[]): string[] {
  return events.map(({ data }) => data).filter((data) => data !== '');
}

/** One JSON text a line. */
class LineFraming implements Framing {
  #held: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): string[] {
    const input = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const end = input.lastIndexOf(LINE_FEED) + 1;
    this.#held = Buffer.from(input.subarray(end));
    if (this.#held.length > MAX_LINE_BYTES) throw new EndpointFailure('invalid', 'sent a line that is too long');
    return lines(input.toString('utf8', 0, end));
  }

  rest(): string[] {
    return lines(this.#held.toString('utf8')).filter(isWhole);
  }
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

/** Not cut in the middle. */
function isWhole(record: string): boolean {
  if (isDone(record)) return true;
  try {
    JSON.parse(record);
    return true;
  } catch {
    return false;
  }
}

/** The mark at the end of OpenAI's streams; clients look no further than the bracket. */
export function isDone(record: string): boolean {
  return record.startsWith(DONE);
}

/** A record's object. Throws `EndpointFailure` where it has none. */
export function parseRecord(record: string): JsonObject {
  const object = parseObject(record);
  if (object === undefined) throw new EndpointFailure('invalid', 'sent a record that is not JSON');
  return object;
}
