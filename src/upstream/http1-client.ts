import { ClientGone, EndpointFailure } from '../errors.ts';
import type { AnswerSink, Exchange, UpstreamAnswer, UpstreamClient, UpstreamRequest } from './client.ts';
import { Connection, type ConnectionEvents, type Origin } from './connection.ts';

/** Idle connections kept per origin, and for how long: below the 5 s after which node servers close theirs. */
const MAX_IDLE = 512;
const IDLE_MS = 4_000;
const READ_BYTES = 64 * 1024;

interface Target extends Origin {
  readonly authority: string;
  readonly prefix: string;
  /** Connections that carry nothing, the one used last at the end. */
  readonly idle: { readonly connection: Connection; readonly since: number }[];
}

/** The client of endpoints: HTTP/1.1 with pooled connections, written for the cost of one streamed chunk. */
export class Http1Client implements UpstreamClient {
  readonly #targets = new Map<string, Target>();
  readonly #exchanges = new Set<Http1Exchange>();
  /** What any connection reads lands here: a buffer of its own for each read would be most of the garbage. */
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** One timer for all idle connections: setting one for each would cost every request. */
  readonly #sweep = setInterval(() => this.#closeIdle(), IDLE_MS / 4).unref();

  open(request: UpstreamRequest): Exchange {
    const forget = (done: Http1Exchange) => this.#exchanges.delete(done);
    const exchange = new Http1Exchange(request, this.#target(request.base), this.#buffer, forget);
    this.#exchanges.add(exchange);
    exchange.start();
    return exchange;
  }

  close(): void {
    for (const exchange of this.#exchanges) exchange.abort();
    for (const { idle } of this.#targets.values()) for (const { connection } of idle.splice(0)) connection.close();
    clearInterval(this.#sweep);
  }

  #closeIdle(): void {
    const old = Date.now() - IDLE_MS;
    for (const { idle } of this.#targets.values()) {
      const used = idle.findIndex(({ since }) => since > old);
      for (const { connection } of idle.splice(0, used === -1 ? idle.length : used)) connection.close();
    }
  }

  #target(base: string): Target {
    const known = this.#targets.get(base);
    if (known !== undefined) return known;
    const url = new URL(base);
    const secure = url.protocol === 'https:';
    const target: Target = {
      secure,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (secure ? 443 : 80),
      authority: url.host,
      prefix: url.pathname.replace(/\/+$/, ''),
      idle: [],
    };
    this.#targets.set(base, target);
    return target;
  }
}

class Http1Exchange implements Exchange, UpstreamAnswer, ConnectionEvents {
  status = 0;
  headers: readonly string[] = [];
  readonly #request: UpstreamRequest;
  readonly #target: Target;
  readonly #buffer: Buffer;
  readonly #onDone: (exchange: Http1Exchange) => void;
  #connection: Connection | undefined;
  #promised: PromiseWithResolvers<UpstreamAnswer> | undefined;
  #failure: Error | undefined;
  #sink: AnswerSink | undefined;
  /** What arrived between the head and the call of `read`. */
  readonly #early: Buffer[] = [];
  #ended: 'no' | 'complete' | Error = 'no';
  #paused = false;
  #over = false;

  constructor(request: UpstreamRequest, target: Target, buffer: Buffer, onDone: (exchange: Http1Exchange) => void) {
    this.#request = request;
    this.#target = target;
    this.#buffer = buffer;
    this.#onDone = onDone;
  }

  /** Made when it is asked for: a promise that nobody waits for must not be rejected. */
  get answer(): Promise<UpstreamAnswer> {
    this.#promised ??= Promise.withResolvers();
    if (this.#failure !== undefined) this.#promised.reject(this.#failure);
    else if (this.status !== 0) this.#promised.resolve(this);
    return this.#promised.promise;
  }

  start(): void {
    this.#send(this.#target.idle.pop()?.connection);
  }

  read(sink: AnswerSink): void {
    this.#sink = sink;
    for (const bytes of this.#early.splice(0)) if (!this.#over) sink.data(bytes);
    if (this.#over) return;
    if (this.#ended === 'no') this.#flow();
    else this.#finish(this.#ended);
  }

  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
    this.#connection?.limitSilence(0, '');
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow();
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#connection?.close();
    this.#connection = undefined;
    this.#onDone(this);
    this.#fail(new ClientGone());
  }

  [Symbol.dispose](): void {
    this.abort();
  }

  head(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
    this.#promised?.resolve(this);
  }

  data(bytes: Buffer): void {
    if (this.#sink !== undefined) {
      this.#sink.data(bytes);
      return;
    }
    if (this.#early.length > 0) this.#connection?.pause();
    this.#early.push(Buffer.from(bytes));
  }

  end(reusable: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#keep(connection, reusable);
    this.#conclude('complete');
  }

  broken(error: EndpointFailure, untouched: boolean): void {
    this.#connection = undefined;
    if (untouched && !this.#over) this.#send(undefined);
    else this.#conclude(error);
  }

  #send(pooled: Connection | undefined): void {
    const { request, target } = { request: this.#request, target: this.#target };
    try {
      const head = requestHead(request, target);
      const connection =
        pooled ?? new Connection(target, this.#buffer, request.timeouts.connect, (closed) => forget(target, closed));
      this.#connection = connection;
      connection.limitSilence(request.timeouts.firstByte, 'sent nothing');
      connection.start(head, request.body, request.method, this);
    } catch (error) {
      this.#conclude(
        error instanceof EndpointFailure ? error : new EndpointFailure('unreachable', String(error), error),
      );
    }
  }

  #flow(): void {
    this.#connection?.limitSilence(this.#request.timeouts.idle, 'stalled');
    this.#connection?.resume();
  }

  #keep(connection: Connection, reusable: boolean): void {
    const { idle } = this.#target;
    if (!connection.release() || !reusable || idle.length >= MAX_IDLE) {
      connection.close();
      return;
    }
    idle.push({ connection, since: Date.now() });
  }

  #conclude(end: 'complete' | Error): void {
    if (this.#over) return;
    this.#ended = end;
    if (this.#sink !== undefined) this.#finish(end);
    else if (this.status === 0 && end !== 'complete') {
      this.#over = true;
      this.#onDone(this);
      this.#fail(end);
    }
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#promised?.reject(error);
    this.#sink?.fail(error);
  }

  #finish(end: 'complete' | Error): void {
    this.#over = true;
    this.#onDone(this);
    if (end === 'complete') this.#sink?.end();
    else this.#sink?.fail(end);
  }
}

function forget({ idle }: Target, closed: Connection): void {
  const index = idle.findIndex(({ connection }) => connection === closed);
  if (index !== -1) idle.splice(index, 1);
}

function requestHead({ method, path, headers, body }: UpstreamRequest, { authority, prefix }: Target): string {
  let head = `${method} ${prefix}${path} HTTP/1.1\r\nHost: ${authority}\r\n`;
  for (let i = 0; i < headers.length; i += 2) {
    const line = `${headers[i]}: ${headers[i + 1]}`;
    if (line.includes('\r') || line.includes('\n')) throw new EndpointFailure('invalid', 'a header holds a line break');
    head += `${line}\r\n`;
  }
  if (method === 'POST' || body !== undefined) head += `Content-Length: ${body?.length ?? 0}\r\n`;
  return `${head}\r\n`;
}
