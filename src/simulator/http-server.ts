import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Changes } from './changes.ts';
import { Exchange } from './exchange.ts';
import type { Faults } from './faults.ts';
import { type Connection, Recording } from './record.ts';
import { Gone } from './wait.ts';

/** Answers one exchange; throws {@link Gone} when the connection closed under it. */
export type Handler = (exchange: Exchange) => Promise<void>;

/** What a server is made of. */
export interface HttpServerParts {
  readonly handle: Handler;
  /** Whether the handler answers before the body is read. */
  readonly isAnsweredEarly: (recording: Recording) => boolean;
  readonly faults: Faults;
  readonly changes: Changes;
  readonly host: string;
  readonly port: number;
  readonly recordLimit: number;
}

/** The sockets of one simulated endpoint: listens, records every request, notices clients that leave. */
export class HttpServer {
  readonly requests: Recording[] = [];
  /** A server's bug, told to whoever waits for it: never swallowed. */
  readonly failures: unknown[] = [];
  readonly #handle: Handler;
  readonly #faults: Faults;
  readonly #changes: Changes;
  readonly #host: string;
  readonly #sockets = new Map<Socket, Connection>();
  readonly #isAnsweredEarly: (recording: Recording) => boolean;
  readonly #recordLimit: number;
  #port: number;
  #server: Server | undefined;
  #connections = 0;
  #count = 0;

  constructor(parts: HttpServerParts) {
    this.#handle = parts.handle;
    this.#isAnsweredEarly = parts.isAnsweredEarly;
    this.#recordLimit = parts.recordLimit;
    this.#faults = parts.faults;
    this.#changes = parts.changes;
    this.#host = parts.host;
    this.#port = parts.port;
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    // The real servers have no such limits: a request may wait for minutes, an idle connection too.
    const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: true });
    server.on('connection', (socket) => this.#connected(socket));
    server.on('request', (request, response) => void this.#requested(request, response));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.#port, this.#host, resolve);
    await promise;
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    for (const socket of this.#sockets.keys()) socket.destroy();
    await promise;
  }

  #connected(socket: Socket): void {
    if (this.#faults.refusesConnection()) {
      socket.resetAndDestroy();
      return;
    }
    const connection: Connection = { id: ++this.#connections, closedAt: undefined };
    this.#sockets.set(socket, connection);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      connection.closedAt = Date.now();
      this.#changes.changed();
    });
  }

  #connectionOf(socket: Socket): Connection {
    return this.#sockets.get(socket) ?? { id: 0, closedAt: Date.now() };
  }

  async #requested(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const recording = new Recording(++this.#count, this.#connectionOf(request.socket), request);
    this.requests.push(recording);
    if (this.requests.length > this.#recordLimit) this.requests.shift();
    this.#changes.changed();
    const left = new AbortController();
    response.on('close', () => {
      recording.clientLeft = !response.writableFinished && !recording.cut && this.#server !== undefined;
      left.abort();
      this.#changes.changed();
    });
    try {
      await this.#answer(request, response, recording, left.signal);
    } catch (error) {
      if (!(error instanceof Gone)) this.#fail(error, response);
    }
    recording.endedAt = Date.now();
    this.#changes.changed();
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    recording: Recording,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.#isAnsweredEarly(recording)) request.resume();
    else {
      recording.body = await bodyOf(request);
      recording.bodyComplete = true;
    }
    const fault = this.#faults.take(recording);
    this.#changes.changed();
    const exchange = new Exchange(request, response, recording, {
      fault,
      signal,
      changed: () => this.#changes.changed(),
    });
    if (!(await exchange.sufferedFault())) await this.#handle(exchange);
  }

  #fail(error: unknown, response: ServerResponse): void {
    this.failures.push(error);
    process.stderr.write(`simulated endpoint failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    response.destroy();
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', resolve);
  request.on('error', () => reject(new Gone()));
  request.on('close', () => reject(new Gone()));
  await promise;
  return Buffer.concat(chunks);
}
