import { ClientGone, EndpointFailure } from '../errors.ts';
import type { AnswerSink, Exchange, UpstreamAnswer, UpstreamRequest } from './client.ts';
import { asError, Connection, type ConnectionEvents, type Origin } from './connection.ts';
import { requestHead } from './request-head.ts';
import { Upload } from './upload.ts';
import type { WriteBatch } from './write-batch.ts';

/** Idle connections kept per origin. */
const MAX_IDLE = 512;

/** Where requests go, with the connections that lead there. */
export interface Target extends Origin {
  readonly authority: string;
  readonly prefix: string;
  /** Connections that carry nothing, the one used last at the end. */
  readonly idle: { readonly connection: Connection; readonly since: number }[];
}

/** What an exchange needs of its client. */
export interface Home {
  readonly buffer: Buffer;
  readonly batch: WriteBatch;
  /** Throws where `base` is no http or https URL. */
  target(base: string): Target;
  done(exchange: Http1Exchange): void;
}

/** A request under way over HTTP/1.1: its connection, what came early, and how it ended. */
export class Http1Exchange implements Exchange, UpstreamAnswer, ConnectionEvents {
  status = 0;
  headers: readonly string[] = [];
  readonly #request: UpstreamRequest;
  readonly #home: Home;
  #target: Target | undefined;
  #connection: Connection | undefined;
  #promised: PromiseWithResolvers<UpstreamAnswer> | undefined;
  #failure: Error | undefined;
  #sink: AnswerSink | undefined;
  /** What arrived before `read` was called, as far as it is not yet handed on. */
  readonly #early: Buffer[] = [];
  #ended: 'no' | 'complete' | Error = 'no';
  /** Where the body is a streamed one. */
  #upload: Upload | undefined;
  #paused = false;
  #over = false;

  constructor(request: UpstreamRequest, home: Home) {
    this.#request = request;
    this.#home = home;
  }

  /** Made when it is asked for: a promise that nobody waits for must not be rejected. */
  get answer(): Promise<UpstreamAnswer> {
    this.#promised ??= Promise.withResolvers();
    if (this.#failure !== undefined) this.#promised.reject(this.#failure);
    else if (this.status !== 0) this.#promised.resolve(this);
    return this.#promised.promise;
  }

  /** Sends the request; `fresh`: not on a connection that has carried another. */
  start(fresh: boolean): void {
    const { timeouts, body, method } = this.#request;
    try {
      const target = this.#home.target(this.#request.base);
      // Before a connection is taken: a head that is refused must not cost one.
      const head = requestHead(this.#request, target);
      const whole = body === undefined || Buffer.isBuffer(body);
      const pooled = fresh || !whole ? undefined : target.idle.pop()?.connection;
      const connection = pooled ?? connectionTo(target, this.#home.buffer, timeouts.connect);
      this.#target = target;
      this.#connection = connection;
      connection.limitSilence(timeouts.firstByte, 'sent nothing');
      if (whole) connection.start(head, body, method, this, this.#home.batch);
      else {
        connection.start(head, undefined, method, this, undefined);
        this.#send(new Upload(body, timeouts, connection));
      }
    } catch (error) {
      this.#drop();
      this.#conclude(error instanceof EndpointFailure ? error : unsendable(error));
    }
  }

  #send(upload: Upload): void {
    this.#upload = upload;
    upload.start();
  }

  read(sink: AnswerSink): void {
    this.#sink = sink;
    if (this.#over) sink.fail(this.#failure ?? new ClientGone());
    else this.#deliver();
  }

  pause(): void {
    this.#paused = true;
    this.#hold();
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  abort(): void {
    if (this.#over) return;
    this.#drop();
    this.#fail(new ClientGone());
  }

  [Symbol.dispose](): void {
    this.abort();
  }

  head(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
    this.#upload?.stop();
    this.#promised?.resolve(this);
  }

  data(bytes: Buffer): void {
    if (this.#sink !== undefined) {
      this.#sink.data(bytes);
      return;
    }
    if (this.#early.length > 0) this.#hold();
    this.#early.push(Buffer.from(bytes));
  }

  end(reusable: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    // After a streamed body: it may be cut short, and such requests are too rare to save a connection.
    if (connection !== undefined) this.#keep(connection, reusable && this.#upload === undefined);
    this.#conclude('complete');
  }

  broken(error: Error, untouched: boolean): void {
    this.#connection = undefined;
    this.#upload?.stop();
    if (untouched) this.start(true);
    else this.#conclude(error);
  }

  #keep(connection: Connection, reusable: boolean): void {
    const idle = this.#target?.idle ?? [];
    if (!connection.release() || !reusable || idle.length >= MAX_IDLE) {
      connection.close();
      return;
    }
    idle.push({ connection, since: Date.now() });
  }

  #conclude(end: 'complete' | Error): void {
    if (this.#over) return;
    this.#ended = end;
    this.#deliver();
    if (this.status === 0 && end !== 'complete') this.#fail(end);
  }

  /** Hands on what was held back, then the end if it has come; else lets more come. */
  #deliver(): void {
    if (this.#sink === undefined) return;
    while (this.#early.length > 0 && !this.#paused) this.#handOn(this.#early.shift());
    if (this.#early.length > 0 || this.#over) return;
    if (this.#ended !== 'no') this.#finish(this.#ended);
    else if (!this.#paused) this.#flow();
  }

  /** Whoever reads may be at fault: that ends the answer, not the process. */
  #handOn(bytes: Buffer | undefined): void {
    try {
      if (bytes !== undefined) this.#sink?.data(bytes);
    } catch (error) {
      this.#drop();
      this.#early.length = 0;
      this.#ended = asError(error);
    }
  }

  #flow(): void {
    this.#connection?.limitSilence(this.#request.timeouts.idle, 'stalled');
    this.#connection?.resume();
  }

  /** Reads no more for now: the silence is ours. */
  #hold(): void {
    this.#connection?.pause();
    this.#connection?.limitSilence(0, '');
  }

  #drop(): void {
    this.#upload?.stop();
    this.#connection?.close();
    this.#connection = undefined;
  }

  #finish(end: 'complete' | Error): void {
    if (end === 'complete') {
      this.#leave();
      this.#tell((sink) => sink.end());
    } else this.#fail(end);
  }

  #fail(error: Error): void {
    this.#leave();
    this.#failure = error;
    this.#promised?.reject(error);
    this.#tell((sink) => sink.fail(error));
  }

  /** A sink that could not take the end is told why, lest its owner waits for ever. */
  #tell(end: (sink: AnswerSink) => void): void {
    if (this.#sink === undefined) return;
    try {
      end(this.#sink);
    } catch (error) {
      this.#sink.fail(asError(error));
    }
  }

  #leave(): void {
    this.#over = true;
    this.#early.length = 0;
    this.#home.done(this);
  }
}

function connectionTo(target: Target, buffer: Buffer, connectTimeoutMs: number): Connection {
  return new Connection(target, buffer, connectTimeoutMs, (closed) => forget(target, closed));
}

function forget({ idle }: Target, closed: Connection): void {
  const index = idle.findIndex(({ connection }) => connection === closed);
  if (index !== -1) idle.splice(index, 1);
}

function unsendable(error: unknown): EndpointFailure {
  return new EndpointFailure('unreachable', asError(error).message, error);
}
