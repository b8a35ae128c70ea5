import type { AnswerEvent, TokenUsage } from '../domain/answer.ts';
import { asNumber, asObject, type JsonObject } from '../domain/json.ts';
import { EndpointFailure, Refusal } from '../errors.ts';
import { type AnswerEncoder, type AnswerPipe, NOTHING } from './call.ts';
import { type AnswerDecoder, errorOf } from './openai/answer-decoder.ts';
import { type SseEvent, SseReader, splitEvents } from './sse.ts';

/** The longest whole answer that is translated, in bytes. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/** Translates an OpenAI-style answer, streamed or whole, through answer events into the client's protocol. */
export class TranslatedPipe implements AnswerPipe {
  readonly contentType: string;
  readonly streaming: boolean;
  usage: TokenUsage | undefined;
  readonly #decoder: AnswerDecoder;
  readonly #encoder: AnswerEncoder;
  readonly #events: SseReader | undefined;
  readonly #whole: Buffer[] = [];
  #wholeBytes = 0;
  #spoken = false;
  #answered = false;
  #finished = false;
  #over = false;
  /** Thrown by the next step: what was read before it goes to the client first, however the reads were cut. */
  #broken: unknown;

  constructor(decoder: AnswerDecoder, encoder: AnswerEncoder, upstreamContentType: string) {
    this.#decoder = decoder;
    this.#encoder = encoder;
    this.#events = upstreamContentType.startsWith('text/event-stream') ? new SseReader() : undefined;
    this.contentType = encoder.contentType;
    this.streaming = encoder.streaming;
  }

  push(bytes: Buffer): Buffer {
    if (this.#over) return NOTHING;
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#events === undefined) return this.#hold(bytes);
    return this.#read(this.#events.push(bytes));
  }

  end(): Buffer {
    if (this.#over) return NOTHING;
    if (this.#broken !== undefined) throw this.#broken;
    const said = this.#events === undefined ? this.#readWhole() : this.#read(lastEvents(this.#events));
    if (this.#over) return said;
    const last = this.#finished ? this.#complete() : this.#giveUp('upstream closed the stream early');
    return Buffer.concat([said, Buffer.from(last)]);
  }

  /** An answer that said why it stopped is complete, whatever became of the connection. */
  fail(message: string): Buffer | undefined {
    if (this.#over) return NOTHING;
    const last = this.#finished && this.#spoken ? this.#complete() : this.#encoder.fail(message);
    this.#over = true;
    return last === '' ? undefined : Buffer.from(last);
  }

  #hold(bytes: Buffer): Buffer {
    this.#whole.push(Buffer.from(bytes));
    this.#wholeBytes += bytes.length;
    if (this.#wholeBytes > MAX_WHOLE_BYTES) throw new EndpointFailure('invalid', 'sent an answer that is too long');
    return NOTHING;
  }

  #readWhole(): Buffer {
    const record = Buffer.concat(this.#whole).toString('utf8');
    const out = record.trim() === '' ? '' : this.#record(parseRecord(record));
    // A whole answer need not say why it stopped.
    if (this.#answered) this.#finished = true;
    return Buffer.from(out);
  }

  #read(events: readonly SseEvent[]): Buffer {
    let out = '';
    for (const { data } of events) {
      if (data === '' || this.#over) continue;
      try {
        out += data.startsWith('[DONE]') ? this.#complete() : this.#record(parseRecord(data));
      } catch (error) {
        if (out === '') throw error;
        this.#broken = error;
        break;
      }
    }
    return out === '' ? NOTHING : Buffer.from(out);
  }

  #record(record: JsonObject): string {
    const failure = errorOf(record);
    if (failure !== undefined && !this.#spoken) throw new Refusal(statusOf(record), failure);
    const events = this.#decoder.decode(record);
    for (const event of events) this.#note(event);
    return this.#say(this.#encoder.push(events));
  }

  #note(event: AnswerEvent): void {
    if (event.type === 'finish' || event.type === 'rendered') this.#finished = true;
    else if (event.type === 'usage') this.usage = event.usage;
    else if (event.type === 'error') this.#over = true;
    if (event.type !== 'usage' && event.type !== 'timings') this.#answered = true;
  }

  #say(text: string): string {
    if (text !== '') this.#spoken = true;
    return text;
  }

  #complete(): string {
    this.#over = true;
    try {
      return this.#say(this.#encoder.end());
    } catch (error) {
      if (!(error instanceof Refusal) || !this.#spoken) throw error;
      return this.#encoder.fail(error.message);
    }
  }

  #giveUp(message: string): string {
    if (!this.#spoken) throw new EndpointFailure('broken', message);
    this.#over = true;
    return this.#encoder.fail(message);
  }
}

/** What is left at the stream's end without its blank line, unless it was cut in the middle. */
function lastEvents(reader: SseReader): SseEvent[] {
  return splitEvents(`${reader.rest().toString('utf8').trimEnd()}\n\n`).filter(({ data }) => isComplete(data));
}

function isComplete(data: string): boolean {
  if (data.startsWith('[DONE]')) return true;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

function parseRecord(data: string): JsonObject {
  try {
    const record = asObject(JSON.parse(data));
    if (record !== undefined) return record;
  } catch {
    // Reported below, like a value that is no object.
  }
  throw new EndpointFailure('invalid', 'sent a record that is not JSON');
}

/** An error's own status, where it names one; llama-server and vLLM do. The router's key is not the client's to mend. */
function statusOf(record: JsonObject): number {
  const code = asNumber((asObject(record['error']) ?? record)['code']);
  if (code === 401 || code === 403) return 502;
  return code !== undefined && code >= 400 && code <= 599 ? code : 500;
}
