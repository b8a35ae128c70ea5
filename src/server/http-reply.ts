import type { ServerResponse } from 'node:http';
import type { Reply } from '../relay/reply.ts';
import { headerOf } from '../upstream/client.ts';

/** A client's HTTP response as the line writes to it. */
export class HttpReply implements Reply {
  readonly #response: ServerResponse;
  readonly #requestId: string;
  readonly #extra: string[] = [];
  readonly #clientIdleMs: number;
  #gone = false;
  #onGone: (() => void) | undefined;
  #onDrained: (() => void) | undefined;

  /**
   * `requestId` goes out as `X-Request-Id` unless the answer brings its own. A client that leaves data unread for
   * `clientIdleMs` counts as gone.
   */
  constructor(response: ServerResponse, requestId: string, clientIdleMs: number) {
    this.#response = response;
    this.#requestId = requestId;
    this.#clientIdleMs = clientIdleMs;
    response.on('close', () => this.#closed());
    response.on('drain', () => this.#drained());
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  /** Headers of the router's own that go out with whatever answer there will be; names and values in turn. */
  alsoSend(...headers: readonly string[]): void {
    this.#extra.push(...headers);
  }

  start(status: number, headers: readonly string[], length?: number): void {
    const head = [...headers, ...this.#extra];
    if (headerOf(headers, 'x-request-id') === undefined) head.push('X-Request-Id', this.#requestId);
    if (length !== undefined) head.push('Content-Length', String(length));
    this.#response.writeHead(status, head);
  }

  /** A whole JSON answer. */
  json(status: number, value: unknown): void {
    const body = Buffer.from(JSON.stringify(value));
    this.start(status, ['Content-Type', 'application/json; charset=utf-8'], body.length);
    this.end(body);
  }

  write(bytes: Buffer): boolean {
    const room = this.#response.write(bytes);
    if (!room) this.#response.socket?.setTimeout(this.#clientIdleMs);
    return room;
  }

  end(bytes?: Buffer): void {
    this.#response.end(bytes);
    if (!this.#response.writableFinished) this.#response.socket?.setTimeout(this.#clientIdleMs);
  }

  cut(): void {
    this.#response.destroy();
  }

  onceDrained(callback: () => void): void {
    this.#onDrained = callback;
  }

  onGone(callback: () => void): void {
    this.#onGone = callback;
    if (this.#gone) callback();
  }

  #drained(): void {
    this.#response.socket?.setTimeout(0);
    const callback = this.#onDrained;
    this.#onDrained = undefined;
    callback?.();
  }

  #closed(): void {
    if (this.#response.writableFinished) return;
    this.#gone = true;
    this.#onGone?.();
  }
}
