import type { TokenUsage } from '../../domain/answer.ts';
import { asArray, asObject, type JsonObject } from '../../domain/json.ts';
import { type AnswerPipe, NOTHING } from '../call.ts';
import { scanObject } from '../json/scan.ts';
import { cutMembers, splice } from '../json/splice.ts';
import { objectText, text } from '../json/write.ts';
import { type SseEvent, SseReader, splitEvents } from '../sse.ts';
import { errorOf } from './answer-decoder.ts';
import { readUsage } from './usage.ts';

/** Events without these texts carry plain deltas: they pass unread. Inside a JSON string their quotes are escaped. */
const MARKERS = ['"finish_reason":"', '"finish_reason": "', '"usage"', '"timings"', '"error"', '[DONE]'];

/**
 * Lets a stream of OpenAI-style records through, byte for byte, in whole events. Where the router itself asked for
 * usage, that is counted and taken out again. After an error no `[DONE]` passes, even the endpoint's own.
 */
export class SsePipe implements AnswerPipe {
  readonly contentType = undefined;
  usage: TokenUsage | undefined;
  readonly #hideUsage: boolean;
  readonly #edit: ((json: Buffer) => Buffer) | undefined;
  readonly #reader = new SseReader();
  #finished = false;
  #failed = false;

  /** `edit` changes each record on its way. */
  constructor(hideUsage: boolean, edit: ((json: Buffer) => Buffer) | undefined) {
    this.#hideUsage = hideUsage;
    this.#edit = edit;
  }

  push(bytes: Buffer): Buffer {
    const complete = this.#reader.complete(bytes);
    if (complete.length === 0) return NOTHING;
    if (this.#edit === undefined && MARKERS.every((marker) => complete.indexOf(marker, 0, 'latin1') === -1))
      return complete;
    return this.#events(splitEvents(complete.toString('utf8')));
  }

  end(): Buffer {
    const rest = this.#reader.rest().toString('utf8');
    const said = rest.trim() === '' ? NOTHING : this.#events(splitEvents(`${rest.trimEnd()}\n\n`));
    if (this.#finished || this.#failed) return said;
    return Buffer.concat([said, errorEvent('the endpoint ended the answer early')]);
  }

  fail(message: string): Buffer {
    return this.#finished || this.#failed ? NOTHING : errorEvent(message);
  }

  #events(events: readonly SseEvent[]): Buffer {
    return Buffer.from(events.map((event) => this.#event(event)).join(''));
  }

  /** The event's text for the client: as it came, changed, or empty. */
  #event({ raw, data }: SseEvent): string {
    if (data === '[DONE]') {
      if (!this.#failed) this.#finished = true;
      return this.#failed ? '' : raw;
    }
    const record = parse(data);
    if (record === undefined) return raw;
    this.#note(record);
    if (!this.#hideUsage || record['usage'] === undefined) return this.#edited(raw, data);
    if (record['usage'] !== null && Array.isArray(record['choices']) && record['choices'].length === 0) return '';
    return this.#edited(raw, data, 'usage');
  }

  #note(record: JsonObject): void {
    if (errorOf(record) !== undefined) this.#failed = true;
    if (asArray(record['choices']).some((choice) => typeof asObject(choice)?.['finish_reason'] === 'string'))
      this.#finished = true;
    this.usage = readUsage(record) ?? this.usage;
  }

  #edited(raw: string, data: string, cut?: string): string {
    if (cut === undefined && this.#edit === undefined) return raw;
    const bytes = Buffer.from(data);
    const kept = cut === undefined ? bytes : splice(bytes, cutMembers(scanObject(bytes), cut));
    const json = this.#edit === undefined ? kept : this.#edit(kept);
    return raw.replace(data, () => json.toString('utf8'));
  }
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
