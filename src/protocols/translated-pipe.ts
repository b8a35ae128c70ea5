import type { AnswerEvent, Timings, TokenUsage } from '../domain/answer.ts';
import { asNumber, asObject, type JsonObject } from '../domain/json.ts';
import { EndpointFailure, Refusal } from '../errors.ts';
import { type AnswerPipe, NOTHING } from './call.ts';
import type { AnswerDecoder, AnswerEncoder } from './codec.ts';
import { errorOf } from './error-text.ts';
import { type Framing, framingOf, isDone, parseRecord } from './framing.ts';

/** The longest whole answer that is translated, in bytes. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/** Translates an answer, streamed or whole, through answer events into the client's protocol. */
export class TranslatedPipe implements AnswerPipe {
  readonly contentType: string;
  readonly streaming: boolean;
  pieces = 0;
  timings: Timings | undefined;
  trouble: string | undefined;
  readonly #decoder: AnswerDecoder;
  readonly #encoder: AnswerEncoder;
  readonly #framing: Framing | undefined;
  readonly #whole: Buffer[] = [];
  #wholeBytes = 0;
  /** As told last: final once the answer said why it stopped. */
  #usage: TokenUsage | undefined;
  #spoken = false;
  #answered = false;
  #finished = false;
  #over = false;
  /** Thrown by the next step: what was read before it goes to the client first, however the reads were cut. */
  #broken: unknown;

  constructor(decoder: AnswerDecoder, encoder: AnswerEncoder, upstreamContentType: string) {
    this.#decoder = decoder;
    this.#encoder = encoder;
    this.#framing = framingOf(upstreamContentType);
    this.contentType = encoder.contentType;
    this.streaming = encoder.streaming;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get usage(): TokenUsage | undefined {
    return this.#finished ? this.#usage : undefined;
  }

  get promptTokens(): number | undefined {
    return this.#usage?.promptTokens || undefined;
  }

  push(bytes: Buffer): Buffer {
    if (this.#over) return NOTHING;
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#framing === undefined) return this.#hold(bytes);
    // A stream for a client that wants a whole answer is held, too.
    if (!this.streaming) this.#count(bytes);
    return this.#read(this.#framing.push(bytes));
  }

  end(): Buffer {
    if (this.#over) return NOTHING;
    if (this.#broken !== undefined) throw this.#broken;
    const said = this.#framing === undefined ? this.#readWhole() : this.#read(this.#framing.rest());
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
    this.#count(bytes);
    return NOTHING;
  }

  #count(bytes: Buffer): void {
    this.#wholeBytes += bytes.length;
    if (this.#wholeBytes > MAX_WHOLE_BYTES) throw new EndpointFailure('invalid', 'sent an answer that is too long');
  }

  #readWhole(): Buffer {
    const record = Buffer.concat(this.#whole).toString('utf8');
    const out = record.trim() === '' ? '' : this.#record(parseRecord(record));
    // A whole answer need not say why it stopped.
    if (this.#answered) this.#finished = true;
    return Buffer.from(out);
  }

  #read(records: readonly string[]): Buffer {
    let out = '';
    for (const record of records) {
      if (this.#over) break;
      try {
        out += isDone(record) ? this.#complete() : this.#record(parseRecord(record));
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
    if (this.#framing !== undefined && events.some(isPiece)) this.pieces++;
    return this.#say(this.#encoder.push(events));
  }

  #note(event: AnswerEvent): void {
    if (event.type === 'finish' || event.type === 'rendered') this.#finished = true;
    else if (event.type === 'usage') this.#usage = isCount(event.usage) ? event.usage : this.#usage;
    else if (event.type === 'timings') this.timings = event.timings;
    else if (event.type === 'error') {
      this.#over = true;
      this.trouble ??= event.message;
    }
    if (event.type !== 'usage' && event.type !== 'timings') this.#answered = true;
  }

  #say(text: string): string {
    if (text !== '') this.#spoken = true;
    return text;
  }

  #complete(): string {
    this.#over = true;
    this.#finished = true;
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
    this.trouble = message;
    return this.#encoder.fail(message);
  }
}

/** A record may bring several: it is one token's, or those of a call that comes whole. */
function isPiece(event: AnswerEvent): boolean {
  if (event.type === 'text-delta' || event.type === 'reasoning-delta') return event.text !== '';
  return event.type === 'tool-call-delta' && ((event.name ?? '') !== '' || event.arguments !== '');
}

/** Some servers send zeros until they know. */
function isCount({ promptTokens, completionTokens }: TokenUsage): boolean {
  return promptTokens + completionTokens > 0;
}

/** An error's own status, where it names one; llama-server and vLLM do. The router's key is not the client's to mend. */
function statusOf(record: JsonObject): number {
  const code = asNumber((asObject(record['error']) ?? record)['code']);
  if (code === 401 || code === 403) return 502;
  return code !== undefined && code >= 400 && code <= 599 ? code : 500;
}
