import type { Exchange } from '../exchange.ts';
import { isObject } from './go-decode.ts';
import { goJson } from './go-json.ts';
import { plainJsonType, type Sink } from './sink.ts';

/** How one `/v1` route turns Ollama's own objects into OpenAI's. */
export interface Conversion {
  /** A whole answer. */
  whole(answer: NativeAnswer): object;
  /** The records for one object of a stream. */
  records(answer: NativeAnswer): readonly object[];
  /** The record with the usage, where the client asked for it. */
  usageRecord(answer: NativeAnswer): object | undefined;
}

/** Any of Ollama's answers, as read back from JSON. */
export type NativeAnswer = Readonly<Record<string, unknown>>;

/** Writes what a handler of Ollama's own API answers in OpenAI's form, as Ollama's middleware does. */
export class V1Sink implements Sink {
  readonly #exchange: Exchange;
  readonly #conversion: Conversion;
  readonly #stream: boolean;

  constructor(exchange: Exchange, conversion: Conversion, stream: boolean) {
    this.#exchange = exchange;
    this.#conversion = conversion;
    this.#stream = stream;
  }

  async json(status: number, body: object): Promise<void> {
    const answer = asAnswer(body);
    if (status >= 400) {
      await this.#exchange.send(status, plainJsonType, `${goJson(v1Error(status, String(answer['error'])))}\n`);
      return;
    }
    if (this.#stream) {
      await this.streamed(body);
      await this.end();
      return;
    }
    await this.#exchange.send(status, plainJsonType, `${goJson(this.#conversion.whole(answer))}\n`);
  }

  async streamed(object: object): Promise<void> {
    const answer = asAnswer(object);
    if (!this.#exchange.headSent) await this.#exchange.open(200, [['Content-Type', 'text/event-stream']]);
    for (const record of this.#conversion.records(answer)) await this.#record(goJson(record));
    if (answer['done'] !== true) return;
    const usage = this.#conversion.usageRecord(answer);
    if (usage !== undefined) await this.#record(goJson(usage));
    await this.#record('[DONE]');
  }

  async failed(status: number, message: string): Promise<void> {
    if (!this.#exchange.headSent) return this.json(status, { error: message });
    // The error line is read as an answer without any field: an empty record, then the end, and no [DONE].
    for (const record of this.#conversion.records({})) await this.#record(goJson(record));
    await this.#exchange.close();
  }

  async end(): Promise<void> {
    if (!this.#exchange.headSent) await this.#exchange.open(200, [['Content-Type', 'text/event-stream']]);
    await this.#exchange.close();
  }

  async #record(data: string): Promise<void> {
    await this.#exchange.write(`data: ${data}\n\n`);
  }
}

function asAnswer(object: object): NativeAnswer {
  return isObject(object) ? object : {};
}

/** OpenAI's error object with the type that Ollama gives a status. */
export function v1Error(status: number, message: string): object {
  const types: Readonly<Record<number, string>> = { 400: 'invalid_request_error', 404: 'not_found_error' };
  return { error: { message, type: types[status] ?? 'api_error', param: null, code: null } };
}
