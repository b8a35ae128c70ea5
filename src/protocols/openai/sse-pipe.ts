import type { TokenUsage } from '../../domain/answer.ts';
import { asArray, asObject, type JsonObject } from '../../domain/json.ts';
import { EndpointFailure } from '../../errors.ts';
import { type AnswerPipe, NOTHING } from '../call.ts';
import { cutMembers, splice } from '../json/splice.ts';
import { objectText, text } from '../json/write.ts';
import { membersOf } from '../rename.ts';
import { type SseEvent, SseReader, splitEvents, withData } from '../sse.ts';
import { errorOf } from './answer-decoder.ts';
import { readUsage } from './usage.ts';

/** Events without these texts carry plain deltas: they pass unread. Inside a JSON string their quotes are escaped. */
const MARKERS = ['"finish_reason":"', '"finish_reason": "', '"usage"', '"timings"', '"error"', '[DONE]'];

const EARLY_END = 'ended the answer early';

/**
 * Lets a stream of OpenAI-style records through, byte for byte, in whole events. Where the router itself asked for
 * usage, that is counted and taken out again. After an error no `[DONE]` passes, even the endpoint's own. Latin-1 stands
 * for bytes here: what is not edited stays as it came, be it valid UTF-8 or not.
 */
export class SsePipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly streaming = true;
  usage: TokenUsage | undefined;
  readonly #hideUsage: boolean;
  readonly #edit: ((json: Buffer) => Buffer) | undefined;
  readonly #reader = new SseReader();
  /** Choices that have not said yet why they stopped. */
  #openChoices: number;
  #spoken = false;
  #failed = false;

  /** `edit` changes each record on its way; `choices` is how many the client asked for. */
  constructor(hideUsage: boolean, edit: ((json: Buffer) => Buffer) | undefined, choices = 1) {
    this.#hideUsage = hideUsage;
    this.#edit = edit;
    this.#openChoices = choices;
  }

  push(bytes: Buffer): Buffer {
    const complete = this.#reader.complete(bytes);
    if (complete.length === 0) return NOTHING;
    this.#spoken = true;
    if (this.#edit === undefined && MARKERS.every((marker) => complete.indexOf(marker, 0, 'latin1') === -1))
      return complete;
    return this.#events(splitEvents(complete.toString('latin1')));
  }

  /** Nothing at all is no answer: another endpoint may give one. */
  end(): Buffer {
    const rest = this.#reader
      .rest()
      .toString('latin1')
      .replace(/[\r\n]+$/, '');
    const events = splitEvents(`${rest}\n\n`).filter(({ data }) => isDone(data) || parse(data) !== undefined);
    if (!this.#spoken && events.length === 0) throw new EndpointFailure('broken', EARLY_END);
    return Buffer.concat([this.#events(events), this.fail(`the endpoint ${EARLY_END}`)]);
  }

  /** An event that was not finished never reaches the client. */
  fail(message: string): Buffer {
    return this.#openChoices <= 0 || this.#failed ? NOTHING : errorEvent(message);
  }

  #events(events: readonly SseEvent[]): Buffer {
    return Buffer.from(events.map((event) => this.#event(event)).join(''), 'latin1');
  }

  /** The event's text for the client: as it came, changed, or empty. */
  #event(event: SseEvent): string {
    if (isDone(event.data)) {
      this.#openChoices = 0;
      return this.#failed ? '' : event.raw;
    }
    const record = parse(event.data);
    if (record === undefined) return event.raw;
    this.#note(record);
    if (!this.#hideUsage || record['usage'] === undefined) return this.#edited(event);
    if (record['usage'] !== null && Array.isArray(record['choices']) && record['choices'].length === 0) return '';
    return this.#edited(event, 'usage');
  }

  #note(record: JsonObject): void {
    if (errorOf(record) !== undefined) this.#failed = true;
    for (const choice of asArray(record['choices']))
      if (typeof asObject(choice)?.['finish_reason'] === 'string') this.#openChoices--;
    this.usage = readUsage(record) ?? this.usage;
  }

  #edited(event: SseEvent, cut?: string): string {
    if (cut === undefined && this.#edit === undefined) return event.raw;
    const bytes = Buffer.from(event.data, 'latin1');
    const kept = cut === undefined ? bytes : splice(bytes, cutMembers(membersOf(bytes), cut));
    const json = this.#edit === undefined ? kept : this.#edit(kept);
    return withData(event, json.toString('latin1'));
  }
}

/** Clients look no further than the bracket. */
function isDone(data: string): boolean {
  return data.startsWith('[DONE]');
}

function parse(data: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(data));
  } catch {
    return undefined;
  }
}

function errorEvent(message: string): Buffer {
  const error = objectText({
    message: text(message),
    type: text('server_error'),
    param: 'null',
    code: text('upstream_lost'),
  });
  return Buffer.from(`data: ${objectText({ error })}\n\n`);
}
