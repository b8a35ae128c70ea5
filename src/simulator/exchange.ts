import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyWriter, isSplit } from './body-writer.ts';
import type { Recording } from './record.ts';
import type { FaultRule } from './simulation.ts';
import { forever, Gone, pause, wholeTurn } from './wait.ts';

/** Header names and values in the order and spelling they go out. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** One request and its answer, with the faults that were ordered for it in between. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly recording: Recording;
  readonly fault: FaultRule;
  /** Fires when the connection closes: the client left, or the server is stopped. */
  readonly signal: AbortSignal;
  readonly url: URL;
  /** Sends whole answers chunked too, as a server does that passes on another's. */
  sendsChunked = false;
  readonly #response: ServerResponse;
  readonly #writer: BodyWriter;
  #extraHeaders: HeaderPairs = [];

  constructor(request: IncomingMessage, response: ServerResponse, recording: Recording, parts: ExchangeParts) {
    this.request = request;
    this.recording = recording;
    this.fault = parts.fault;
    this.signal = parts.signal;
    this.url = new URL(request.url ?? '/', 'http://simulated');
    this.#response = response;
    this.#writer = new BodyWriter(response, recording, parts.fault, parts.changed);
  }

  get method(): string {
    return this.request.method ?? '';
  }

  get path(): string {
    return this.recording.path;
  }

  /** The request's body as text. */
  get text(): string {
    return this.recording.body.toString('utf8');
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  get headSent(): boolean {
    return this.recording.status !== undefined;
  }

  /** Headers that every answer of this exchange carries, errors too. */
  addHeaders(headers: HeaderPairs): void {
    this.#extraHeaders = [...this.#extraHeaders, ...headers];
  }

  /** Sends the head of an answer whose length is not known: chunked. */
  async open(status: number, headers: HeaderPairs): Promise<void> {
    await this.#head(status, headers);
  }

  /** Sends a piece of the body in one write of its own; waits while the client does not read. */
  async write(text: string): Promise<void> {
    await this.#writer.write(Buffer.from(text));
  }

  /** Ends an answer that was opened. */
  async close(): Promise<void> {
    if (this.#response.destroyed) throw new Gone();
    const { promise, resolve } = Promise.withResolvers<void>();
    const left = () => resolve();
    this.signal.addEventListener('abort', left, { once: true });
    this.#response.end(resolve);
    await promise;
    this.signal.removeEventListener('abort', left);
    this.recording.answered = this.#response.writableFinished;
  }

  /** Sends a whole answer with its length. */
  async send(status: number, headers: HeaderPairs, body: string): Promise<void> {
    const bytes = Buffer.from(body);
    const hasLength = status !== 204 && status !== 304 && !this.sendsChunked;
    const length = hasLength ? ([['Content-Length', String(bytes.length)]] as const) : [];
    await this.#head(status, [...headers, ...length]);
    if (this.method !== 'HEAD' && bytes.length > 0) await this.#writer.write(bytes);
    await this.close();
  }

  /** Does what faults ask for before any work; true when the fault has answered. */
  async sufferedFault(): Promise<boolean> {
    const fault = this.fault;
    if (fault.delayMs !== undefined) await pause(fault.delayMs, this.signal);
    if (fault.hang === true) await forever(this.signal);
    if (fault.status === undefined && fault.body === undefined) return false;
    await this.#sendOrdered(fault);
    return true;
  }

  async #sendOrdered(fault: FaultRule): Promise<void> {
    const isText = typeof fault.body === 'string' || fault.body === undefined;
    const type = isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
    const headers = Object.entries({ 'Content-Type': type, ...fault.headers });
    const body =
      typeof fault.body === 'string' ? fault.body : fault.body === undefined ? '' : JSON.stringify(fault.body);
    await this.send(fault.status ?? 200, headers, body);
  }

  async #head(status: number, headers: HeaderPairs): Promise<void> {
    if (this.#response.destroyed) throw new Gone();
    if (this.fault.cutAtByte === 0) await this.#writer.cut();
    const closing = this.fault.closeAfterResponse === true ? ([['Connection', 'close']] as const) : [];
    this.#response.writeHead(status, [...headers, ...this.#extraHeaders, ...closing].flat());
    this.recording.status = status;
    const isCut = this.fault.cutAtByte === 'head';
    const isAlone = isCut || isSplit(this.fault);
    if (isAlone || !headers.some(([name]) => name === 'Content-Length')) this.#response.flushHeaders();
    if (isCut) await this.#writer.cut();
    if (isAlone) await wholeTurn();
  }
}

/** What an exchange needs beside request, response and record. */
export interface ExchangeParts {
  readonly fault: FaultRule;
  readonly signal: AbortSignal;
  readonly changed: () => void;
}
