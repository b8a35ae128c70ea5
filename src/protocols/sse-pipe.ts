import type { Timings, TokenUsage } from '../domain/answer.ts';
import type { JsonObject } from '../domain/json.ts';
import { EndpointFailure } from '../errors.ts';
import { type AnswerPipe, NOTHING } from './call.ts';
import { errorOf } from './error-text.ts';
import { isDone } from './framing.ts';
import { parseObject } from './json/parse.ts';
import { cutMembers, splice } from './json/splice.ts';
import { membersOf } from './rename.ts';
import { type SseEvent, SseReader, splitEvents, withData } from './sse.ts';
import type { Passage, StreamDialect, Tally } from './stream-dialect.ts';

const EARLY_END = 'ended the answer early';

/**
 * Lets a stream of server-sent events through, byte for byte, in whole events. Where the router itself asked for usage,
 * that is counted and taken out again. After an error no `[DONE]` passes, even the endpoint's own. Latin-1 stands for
 * bytes here: what is not edited stays as it came, be it valid UTF-8 or not.
 */
export class SsePipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly streaming = true;
  pieces = 0;
  isOver = false;
  readonly #dialect: StreamDialect;
  readonly #hideUsage: boolean;
  readonly #edit: ((json: Buffer) => Buffer) | undefined;
  readonly #tally: Tally;
  readonly #reader = new SseReader();
  /** Answers that have not come to their end yet. */
  #open: number;
  #spoken = false;
  #failed = false;
  trouble: string | undefined;

  constructor(dialect: StreamDialect, passage: Passage) {
    this.#dialect = dialect;
    this.#hideUsage = passage.hideUsage ?? false;
    this.#edit = passage.edit;
    this.#tally = dialect.tally(passage);
    this.#open = passage.answers ?? 1;
  }

  get usage(): TokenUsage | undefined {
    return this.#tally.usage(this.isOver && !this.#failed);
  }

  get promptTokens(): number | undefined {
    return this.#tally.promptTokens;
  }

  get timings(): Timings | undefined {
    return this.#tally.timings;
  }

  push(bytes: Buffer): Buffer {
    const complete = this.#reader.complete(bytes);
    if (complete.length === 0) return NOTHING;
    this.#spoken = true;
    const text = complete.toString('latin1');
    this.pieces += this.#dialect.pieces(text);
    if (this.#edit === undefined && !this.#dialect.telling.test(text)) return complete;
    return this.#events(splitEvents(text));
  }

  /** Nothing at all is no answer: another endpoint may give one. */
  end(): Buffer {
    const rest = this.#reader
      .rest()
      .toString('latin1')
      .replace(/[\r\n]+$/, '');
    const events = splitEvents(`${rest}\n\n`).filter(({ data }) => isDone(data) || parseObject(data) !== undefined);
    if (!this.#spoken && events.length === 0) throw new EndpointFailure('broken', EARLY_END);
    for (const { raw } of events) this.pieces += this.#dialect.pieces(raw);
    const said = this.#events(events);
    if (this.#open > 0) this.trouble ??= EARLY_END;
    return Buffer.concat([said, this.fail(`the endpoint ${EARLY_END}`)]);
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
    if (this.#dialect.isError(record)) {
      this.#failed = true;
      this.trouble ??= utf8(errorOf(record) ?? 'an error');
    }
    this.#open -= this.#dialect.finished(record);
    if (this.#failed || (this.#dialect.endsItself === true && this.#open <= 0)) this.isOver = true;
    this.#tally.note(record);
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
