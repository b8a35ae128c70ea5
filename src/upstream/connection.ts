import net from 'node:net';
import tls from 'node:tls';
import { EndpointFailure } from '../errors.ts';
import { type ParserEvents, ResponseParser } from './response-parser.ts';
import type { WriteBatch } from './write-batch.ts';

/** Where connections of one kind lead; all of an origin are interchangeable. */
export interface Origin {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** Bodies up to this many bytes leave together with the head. */
const SMALL = 64 * 1024;

/** What a connection tells the exchange that it carries. */
export interface ConnectionEvents extends ParserEvents {
  /** The connection can carry nothing any more; `untouched`: it had carried another exchange and gave this no byte. */
  broken(error: Error, untouched: boolean): void;
}

/** One connection to an endpoint, carrying one exchange at a time. */
export class Connection {
  readonly #socket: net.Socket;
  #events: ConnectionEvents | undefined;
  #parser: ResponseParser | undefined;
  #used = false;
  #gotBytes = false;
  #closed = false;
  #missing = 'no connection';

  /** Connections share `buffer` for what they read. `onClosed` is called once, whoever closed the connection. */
  constructor(origin: Origin, buffer: Buffer, connectTimeoutMs: number, onClosed: (connection: Connection) => void) {
    this.#socket = connect(origin, buffer, (bytes) => this.#read(bytes));
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, 15_000);
    this.#socket.setTimeout(connectTimeoutMs);
    this.#socket.on('timeout', () => this.#silent());
    this.#socket.on('end', () => this.#guard(() => this.#parser?.eof()));
    this.#socket.on('error', (error) => this.#break(describe(error)));
    this.#socket.on('close', () => {
      this.#break(new EndpointFailure('broken', 'closed the connection early'));
      onClosed(this);
    });
  }

  /** Sends a request and tells `events` of its answer. */
  start(head: string, body: Buffer | undefined, method: string, events: ConnectionEvents, batch?: WriteBatch): void {
    this.#events = events;
    this.#gotBytes = false;
    const send = () => this.#send(head, body, new ResponseParser(events, method));
    if (batch === undefined) send();
    else batch.add(send);
  }

  /** Only from now on is what the endpoint says an answer. */
  #send(head: string, body: Buffer | undefined, parser: ResponseParser): void {
    if (this.#closed) return;
    this.#parser = parser;
    if (body === undefined || body.length <= SMALL) {
      // One piece of text is written faster than two pieces.
      this.#socket.write(body === undefined ? head : head + body.toString('latin1'), 'latin1');
      return;
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(body);
    this.#socket.uncork();
  }

  /** Sends a piece of a streamed body, framed as a chunk where its size is not known. False: wait for `onDrain`. */
  write(bytes: Buffer, chunked: boolean): boolean {
    if (!chunked || bytes.length === 0) return this.#socket.write(bytes);
    this.#socket.cork();
    this.#socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(bytes);
    const room = this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
    return room;
  }

  /** Ends a body that was sent in chunks. */
  endChunks(): void {
    this.#socket.write('0\r\n\r\n', 'latin1');
  }

  onDrain(callback: () => void): void {
    this.#socket.on('drain', callback);
  }

  /** From now on this long a silence of the endpoint breaks the exchange; `what` says what was missing. 0: no limit. */
  limitSilence(ms: number, what: string): void {
    if (this.#socket.connecting) {
      this.#socket.once(this.#readyEvent(), () => this.limitSilence(ms, what));
      return;
    }
    this.#missing = what;
    if (this.#socket.timeout !== ms) this.#socket.setTimeout(ms);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The answer is complete: whether the connection may carry another request. */
  release(): boolean {
    this.#events = undefined;
    this.#parser = undefined;
    this.#used = true;
    if (this.#closed || this.#socket.writableLength > 0 || this.#socket.readableEnded) return false;
    if (this.#socket.isPaused()) this.#socket.resume();
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#events = undefined;
    this.#parser = undefined;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    const parser = this.#parser;
    if (parser === undefined) {
      // Bytes that nobody asked for: the endpoint and we no longer agree on where an answer ends.
      this.#break(new EndpointFailure('broken', 'answered before it was asked'));
      return;
    }
    this.#gotBytes = true;
    this.#guard(() => parser.push(bytes));
  }

  /** The parser's complaints, and what goes wrong with whoever reads the answer, break the exchange, not the process. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#break(asError(error));
    }
  }

  #break(error: Error): void {
    const events = this.#events;
    const timedOut = error instanceof EndpointFailure && error.reason === 'timeout';
    const untouched = this.#used && !this.#gotBytes && !timedOut;
    this.close();
    events?.broken(error, untouched);
  }

  #silent(): void {
    this.#break(new EndpointFailure('timeout', `${this.#missing} for ${(this.#socket.timeout ?? 0) / 1000} s`));
  }

  #readyEvent(): 'connect' | 'secureConnect' {
    return this.#socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect';
  }
}

/** Opens a connection whose bytes come by `read`: in plain ones as views of `buffer`, written over by the next read. */
function connect({ secure, host, port }: Origin, buffer: Buffer, read: (bytes: Buffer) => void): net.Socket {
  if (!secure) {
    const callback = (length: number) => {
      read(buffer.subarray(0, length));
      return true;
    };
    return net.connect({ host, port, onread: { buffer, callback } });
  }
  const named = net.isIP(host) === 0 && { servername: host };
  return tls.connect({ host, port, ALPNProtocols: ['http/1.1'], ...named }).on('data', read);
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name lookup failed',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connection timed out',
  EPROTO: 'no TLS connection',
  ERR_SSL_WRONG_VERSION_NUMBER: 'no TLS connection',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'no TLS connection',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate of another host',
  CERT_HAS_EXPIRED: 'certificate expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate not trusted: self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate not trusted: self-signed',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate not trusted: unknown issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate not trusted: unknown issuer',
};

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function describe(error: Error & { code?: string }): EndpointFailure {
  const code = error.code ?? '';
  const reset = code === 'ECONNRESET' || code === 'EPIPE';
  return new EndpointFailure(reset ? 'broken' : 'unreachable', WORDS[code] ?? (code || error.message), error);
}
