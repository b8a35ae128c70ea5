import type { BodySink, StreamedBody, UpstreamRequest } from './client.ts';
import type { Connection } from './connection.ts';

/**
 * Sends a streamed body over a connection of its own. The silence before a piece is ours, that before room for the next
 * one and that after the end are the endpoint's.
 */
export class Upload implements BodySink {
  readonly #body: StreamedBody;
  readonly #timeouts: UpstreamRequest['timeouts'];
  #connection: Connection | undefined;

  constructor(body: StreamedBody, timeouts: UpstreamRequest['timeouts'], connection: Connection) {
    this.#body = body;
    this.#timeouts = timeouts;
    this.#connection = connection;
  }

  start(): void {
    this.#connection?.limitSilence(0, '');
    this.#connection?.onDrain(() => this.#drained());
    this.#body.start(this);
  }

  write(bytes: Buffer): boolean {
    const room = this.#connection?.write(bytes, this.#isChunked) ?? true;
    if (!room) this.#connection?.limitSilence(this.#timeouts.idle, 'took nothing of the body');
    return room;
  }

  end(): void {
    if (this.#isChunked) this.#connection?.endChunks();
    this.#connection?.limitSilence(this.#timeouts.firstByte, 'sent nothing');
    this.stop();
  }

  /** Drops what still comes. */
  stop(): void {
    this.#connection = undefined;
  }

  get #isChunked(): boolean {
    return this.#body.size === undefined;
  }

  #drained(): void {
    if (this.#connection === undefined) return;
    this.#connection.limitSilence(0, '');
    this.#body.drained();
  }
}
