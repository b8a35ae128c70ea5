import type { AnswerEvent, TokenUsage } from '../domain/answer.ts';
import { asNumber, asObject, type JsonObject } from '../domain/json.ts';
import { EndpointFailure, Refusal } from '../errors.ts';
import { type AnswerEncoder, type AnswerPipe, NOTHING } from './call.ts';
import { errorOf, type RecordDecoder } from './openai/answer-decoder.ts';
import { SseReader } from './sse.ts';

/** The longest whole answer that is translated, in bytes. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/** Translates an OpenAI-style answer, streamed or whole, through answer events into the client's protocol. */
export class TranslatedPipe implements AnswerPipe {
  readonly contentType: string;
  usage: TokenUsage | undefined;
  readonly #decoder: RecordDecoder;
  readonly #encoder: AnswerEncoder;
  readonly #events: SseReader | undefined;
  readonly #whole: Buffer[] = [];
  #wholeBytes = 0;
  #spoken = false;
  #finished = false;
  #over = false;

  constructor(decoder: RecordDecoder, encoder: AnswerEncoder, upstreamContentType: string) {
    this.#decoder = decoder;
    this.#encoder = encoder;
    this.#events = upstreamContentType.startsWith('text/event-stream') ? new SseReader() : undefined;
    this.contentType = encoder.contentType;
  }

  push(bytes: Buffer): Buffer {
    if (this.#over) return NOTHING;
    if (this.#events === undefined) return this.#hold(bytes);
    return this.#records(this.#events.push(bytes).map((event) => event.data));
  }

  end(): Buffer {
    if (this.#over) return NOTHING;
    const last = this.#events === undefined ? Buffer.concat(this.#whole).toString('utf8') : lastData(this.#events);
    const said = this.#records([last]);
    if (this.#over) return said;
    if (!this.#finished) return Buffer.concat([said, this.#giveUp('upstream closed the stream early')]);
    return Buffer.concat([said, this.#complete()]);
  }

  fail(message: string): Buffer | undefined {
    this.#over = true;
    const text = this.#encoder.fail(message);
    return text === '' ? undefined : Buffer.from(text);
  }

  #hold(bytes: Buffer): Buffer {
    this.#whole.push(Buffer.from(bytes));
    this.#wholeBytes += bytes.length;
    if (this.#wholeBytes > MAX_WHOLE_BYTES) throw new EndpointFailure('invalid', 'sent an answer that is too long');
    return NOTHING;
  }

  #records(datas: readonly string[]): Buffer {
    let out = '';
    for (const data of datas) {
      if (this.#over || data === '') continue;
      if (data === '[DONE]') this.#finished = true;
      else out += this.#record(parseRecord(data));
    }
    if (out === '') return NOTHING;
    this.#spoken = true;
    return Buffer.from(out);
  }

  #record(record: JsonObject): string {
    const failure = errorOf(record);
    if (failure !== undefined && !this.#spoken) throw new Refusal(statusOf(record), failure);
    const events = this.#decoder.decode(record);
    for (const event of events) this.#note(event);
    return this.#encoder.push(events);
  }

  #note(event: AnswerEvent): void {
    if (event.type === 'finish') this.#finished = true;
    else if (event.type === 'usage') this.usage = event.usage;
    else if (event.type === 'error') this.#over = true;
  }

  #complete(): Buffer {
    this.#over = true;
    try {
      return Buffer.from(this.#encoder.end());
    } catch (error) {
      if (!(error instanceof Refusal) || !this.#spoken) throw error;
      return Buffer.from(this.#encoder.fail(error.message));
    }
  }

  #giveUp(message: string): Buffer {
    if (!this.#spoken) throw new EndpointFailure('broken', message);
    return this.fail(message) ?? NOTHING;
  }
}

function lastData(events: SseReader): string {
  const rest = events.rest().toString('utf8').trimEnd();
  return rest.startsWith('data:') ? rest.slice(5).trim() : '';
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

/** An error's own status, where it names one; llama-server and vLLM do. */
function statusOf(record: JsonObject): number {
  const code = asNumber(asObject(record['error'])?.['code']);
  return code !== undefined && code >= 400 && code <= 599 ? code : 500;
}
