import type { TokenUsage } from '../domain/answer.ts';
import type { JsonObject } from '../domain/json.ts';
import { EndpointFailure } from '../errors.ts';
import { type AnswerPipe, NOTHING } from './call.ts';
import { isDone } from './framing.ts';
import { parseObject } from './json/parse.ts';
import { cutMembers, splice } from './json/splice.ts';
import { membersOf } from './rename.ts';
import { type SseEvent, SseReader, splitEvents, withData } from './sse.ts';

/** What the records of a protocol's streams say of their end, and how one says that it broke off. */
export interface StreamDialect {
  /** Events without these texts carry plain deltas: they pass unread. Inside a JSON string their quotes are escaped. */
  readonly markers: readonly string[];
  /** Answers, of those asked for, that end with this record. */
  finished(record: JsonObject): number;
  /** Whether the last record says so itself, and no mark follows. */
  readonly endsItself?: boolean;
  /** Whether the record reports a failure. */
  isError(record: JsonObject): boolean;
  readUsage(record: JsonObject): TokenUsage | undefined;
  /** What an error says that is in no words of this dialect; undefined where it is. */
  foreignError?(record: JsonObject): string | undefined;
  /** The event that tells a client of a failure; by it no client takes the answer for complete. */
  errorEvent(message: string): string;
}

/** How one answer is let through. */
export interface Passage {
  /** The endpoint counts tokens because the router asked it to: the client is not to see it. */
  readonly hideUsage?: boolean;
  /** Changes each record on its way. */
  readonly edit?: ((json: Buffer) => Buffer) | undefined;
  /** Answers that come at once; default 1. */
  readonly answers?: number;
}

const EARLY_END = 'ended the answer early';

/**
 * Lets a stream of server-sent events through, byte for byte, in whole events. Where the router itself asked for usage,
 * that is counted and taken out again. After an error no `[DONE]` passes, even the endpoint's own. Latin-1 stands for
 * bytes here: what is not edited stays as it came, be it valid UTF-8 or not.
 */
export class SsePipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly streaming = true;
  usage: TokenUsage | undefined;
  isOver = false;
  readonly #dialect: StreamDialect;
  readonly #hideUsage: boolean;
  readonly #edit: ((json: Buffer) => Buffer) | undefined;
  readonly #reader = new SseReader();
  /** Answers that have not come to their end yet. */
  #open: number;
  #spoken = false;
  #failed = false;

  constructor(dialect: StreamDialect, { hideUsage = false, edit, answers = 1 }: Passage) {
    this.#dialect = dialect;
    this.#hideUsage = hideUsage;
    this.#edit = edit;
    this.#open = answers;
  }

  push(bytes: Buffer): Buffer {
    const complete = this.#reader.complete(bytes);
    if (complete.length === 0) return NOTHING;
    this.#spoken = true;
    if (
      this.#edit === undefined &&
      this.#dialect.markers.every((marker) => complete.indexOf(marker, 0, 'latin1') === -1)
    )
      return complete;
    return this.#events(splitEvents(complete.toString('latin1')));
  }

  /** Nothing at all is no answer: another endpoint may give one. */
  end(): Buffer {
    const rest = this.#reader
      .rest()
      .toString('latin1')
      .replace(/[\r\n]+$/, '');
    const events = splitEvents(`${rest}\n\n`).filter(({ data }) => isDone(data) || parseObject(data) !== undefined);
    if (!this.#spoken && events.length === 0) throw new EndpointFailure('broken', EARLY_END);
    return Buffer.concat([this.#events(events), this.fail(`the endpoint ${EARLY_END}`)]);
  }

  /** An event that was not finished never reaches the client. */
  fail(message: string): Buffer {
    return this.#open <= 0 || this.#failed ? NOTHING : Buffer.from(this.#dialect.errorEvent(message));
  }

  #events(events: readonly SseEvent[]): Buffer {
    return Buffer.from(events.map((event) => this.#event(event)).join(''), 'latin1');
  }

  /** The event's text for the client: as it came, changed, or empty. */
  #event(event: SseEvent): string {
    if (isDone(event.data)) {
      this.#open = 0;
      this.isOver = true;
      return this.#failed ? '' : event.raw;
    }
    const record = parseObject(event.data);
    if (record === undefined) return event.raw;
    this.#note(record);
    const foreign = this.#dialect.foreignError?.(parseObject(utf8(event.data)) ?? record);
    if (foreign !== undefined) return latin1(this.#dialect.errorEvent(foreign));
    if (!this.#hideUsage || record['usage'] === undefined) return this.#edited(event);
    if (record['usage'] !== null && Array.isArray(record['choices']) && record['choices'].length === 0) return '';
    return this.#edited(event, 'usage');
  }

  #note(record: JsonObject): void {
    if (this.#dialect.isError(record)) this.#failed = true;
    this.#open -= this.#dialect.finished(record);
    if (this.#failed || (this.#dialect.endsItself === true && this.#open <= 0)) this.isOver = true;
    this.usage = this.#dialect.readUsage(record) ?? this.usage;
  }

  #edited(event: SseEvent, cut?: string): string {
    if (cut === undefined && this.#edit === undefined) return event.raw;
    const bytes = Buffer.from(event.data, 'latin1');
    const kept = cut === undefined ? bytes : splice(bytes, cutMembers(membersOf(bytes), cut));
    const json = this.#edit === undefined ? kept : this.#edit(kept);
    return withData(event, json.toString('latin1'));
  }
}

/** What Latin-1 stands for, and back. */
function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
