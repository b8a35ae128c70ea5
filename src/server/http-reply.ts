import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { headerOf } from '../domain/headers.ts';
import type { Reply } from '../relay/reply.ts';
import type { WriteBatch } from '../upstream/write-batch.ts';

/** Up to this many bytes a text is written faster than bytes are. */
const SMALL = 64 * 1024;

/** A client's HTTP response as the line writes to it. */
export class HttpReply implements Reply {
  readonly #response: ServerResponse;
  /** What logs and error bodies call the request. */
  readonly requestId: string;
  readonly #extra: string[] = [];
  #notes: readonly string[] = [];
  answeredBy: readonly string[] = [];
  readonly #clientIdleMs: number;
  readonly #batch: WriteBatch;
  /** Whether the body's chunks are framed here. */
  #framing = false;
  #isLimited = false;
  #gone = false;
  cancelled = false;
  /** The answer's bytes wait for the client to read. */
  isFull = false;
  isWhole = false;
  spoken = false;
  writes = 0;
  #onGone: (() => void) | undefined;
  #onDrained: (() => void) | undefined;

  /**
   * `requestId` goes out as `X-Request-Id` unless the answer brings its own. A client that leaves data unread for
   * `clientIdleMs` counts as gone. What is written leaves with `batch`.
   */
  constructor(response: ServerResponse, requestId: string, clientIdleMs: number, batch: WriteBatch) {
    this.#response = response;
    this.requestId = requestId;
    this.#clientIdleMs = clientIdleMs;
    this.#batch = batch;
    response.on('close', () => this.#closed());
  }

  get started(): boolean {
    return this.#response.headersSent;
  }

  get gone(): boolean {
    return this.#gone || this.cancelled;
  }

  /** The status it was started with; 0 before. */
  get status(): number {
    return this.started ? this.#response.statusCode : 0;
  }

  /** Whether the client was given everything. */
  get finished(): boolean {
    return this.#response.writableFinished;
  }

  /** Headers of the router's own that go out with whatever answer there will be; names and values in turn. */
  alsoSend(...headers: readonly string[]): void {
    this.#extra.push(...headers);
  }

  note(headers: readonly string[]): void {
    this.#notes = headers;
  }

  start(status: number, headers: readonly string[], length?: number): void {
    const head = [...headers, ...this.#extra, ...this.answeredBy, ...this.#notes];
    if (headerOf(headers, 'x-request-id') === undefined) head.push('X-Request-Id', this.requestId);
    if (status === 204) this.#framing = false;
    else if (length !== undefined) head.push('Content-Length', String(length));
    else if (this.#canFrame()) head.push('Transfer-Encoding', 'chunked');
    this.#response.writeHead(status, head);
    if (this.#framing) this.#together(() => this.#response.flushHeaders());
  }

  /** Sends the head now, ahead of what ends the answer. */
  flush(): void {
    this.#response.flushHeaders();
  }

  /** A whole JSON answer. */
  json(status: number, value: unknown): void {
    const body = Buffer.from(JSON.stringify(value));
    this.start(status, ['Content-Type', 'application/json; charset=utf-8'], body.length);
    this.end(body);
  }

  write(bytes: Buffer): boolean {
    this.spoken = true;
    return this.#write(bytes);
  }

  beat(bytes: Buffer): void {
    this.#write(bytes);
  }

  #write(bytes: Buffer): boolean {
    this.writes++;
    const { socket } = this.#response;
    if (!this.#framing || socket === null) return this.#room(this.#response.write(Buffer.from(bytes)), this.#response);
    // A frame in one piece costs half of what node's four do: size, line end, data, line end.
    return this.#room(
      this.#together(() => socket.write(frame(bytes))),
      socket,
    );
  }

  end(bytes?: Buffer): void {
    this.spoken = true;
    this.#batch.add(() => this.#end(bytes));
  }

  #end(bytes: Buffer | undefined): void {
    // As text, a small body leaves in one piece with the head.
    if (bytes !== undefined && bytes.length <= SMALL) this.#response.end(bytes.toString('latin1'), 'latin1');
    else this.#response.end(bytes);
    // What the kernel has taken needs no limit, and setting one would cost every request.
    if (this.#response.socket?.writableLength !== 0) this.#limitIdleness();
  }

  /** By a reset: where nothing else marks the end of a body, an orderly close would. */
  cut(): void {
    const { socket } = this.#response;
    if (socket === null) this.#response.destroy();
    else socket.resetAndDestroy();
  }

  /** Ends the request in place of its client, who is told. */
  cancel(): void {
    if (this.gone || this.finished) return;
    this.cancelled = true;
    this.#onGone?.();
    // Nothing can be added to an answer that is all written: it is not to look complete.
    if (this.#response.writableEnded) this.cut();
  }

  onceDrained(callback: () => void): void {
    this.#onDrained = callback;
  }

  onGone(callback: () => void): void {
    this.#onGone = callback;
    if (this.gone) callback();
  }

  /** Not for HTTP/1.0 and HEAD, nor where the connection still belongs to an earlier answer. */
  #canFrame(): boolean {
    const { req, socket } = this.#response;
    this.#framing = socket !== null && req.httpVersion === '1.1' && req.method !== 'HEAD';
    return this.#framing;
  }

  /** Writes into the connection's buffer, which is emptied at the end of the turn. */
  #together<T>(write: () => T): T {
    const { socket } = this.#response;
    socket?.cork();
    this.#batch.add(() => socket?.uncork());
    return write();
  }

  /** Without room, waits for it: not for ever. */
  #room(room: boolean, writable: Writable): boolean {
    if (room || this.isFull) return room;
    this.isFull = true;
    writable.once('drain', () => this.#drained());
    this.#limitIdleness();
    return false;
  }

  /** Counts from when the connection is this answer's: it may still belong to an earlier one. */
  #limitIdleness(): void {
    const { socket } = this.#response;
    if (socket === null) this.#response.once('socket', () => this.#limitIdleness());
    else {
      socket.setTimeout(this.#clientIdleMs);
      if (this.#isLimited) return;
      this.#isLimited = true;
      // Ahead of node's own limit for what comes next, which it sets when an answer is out.
      this.#response.prependOnceListener('finish', () => socket.setTimeout(0));
    }
  }

  #drained(): void {
    this.isFull = false;
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

/** The bytes as one chunk of a chunked body (RFC 9112, section 7.1). */
function frame(bytes: Buffer): Buffer {
  const size = bytes.length.toString(16);
  const whole = Buffer.allocUnsafe(size.length + bytes.length + 4);
  whole.write(`${size}\r\n`, 0, 'latin1');
  bytes.copy(whole, size.length + 2);
  whole.write('\r\n', size.length + 2 + bytes.length, 'latin1');
  return whole;
}
