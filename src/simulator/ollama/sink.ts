import type { Exchange } from '../exchange.ts';
import { goJson } from './go-json.ts';

/** Where a handler of Ollama's own API writes; `/v1` puts a converter in its place. */
export interface Sink {
  /** One JSON answer. */
  json(status: number, body: object): Promise<void>;
  /** One object of a stream. */
  streamed(object: object): Promise<void>;
  /** An error of a stream: an HTTP error while nothing was sent, else the last line. */
  failed(status: number, message: string): Promise<void>;
  /** The stream's end. */
  end(): Promise<void>;
}

export const jsonType = [['Content-Type', 'application/json; charset=utf-8']] as const;
/** Without charset: errors that come first out of a stream, and converted answers. */
export const plainJsonType = [['Content-Type', 'application/json']] as const;

/** Ollama's own form: JSON, or newline-delimited JSON. */
export class NativeSink implements Sink {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  async json(status: number, body: object): Promise<void> {
    await this.#exchange.send(status, jsonType, goJson(body));
  }

  async streamed(object: object): Promise<void> {
    if (!this.#exchange.headSent) await this.#exchange.open(200, [['Content-Type', 'application/x-ndjson']]);
    await this.#exchange.write(`${goJson(object)}\n`);
  }

  async failed(status: number, message: string): Promise<void> {
    const first = !this.#exchange.headSent;
    if (first) await this.#exchange.open(status, plainJsonType);
    await this.#exchange.write(`${goJson({ error: message })}${first ? '' : '\n'}`);
    await this.#exchange.close();
  }

  async end(): Promise<void> {
    if (!this.#exchange.headSent) await this.#exchange.open(200, [['Content-Type', 'application/x-ndjson']]);
    await this.#exchange.close();
  }
}
