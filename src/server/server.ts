import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import net from 'node:net';
import { headerOf } from '../domain/headers.ts';
import { randomId } from '../domain/random-id.ts';
import { type Received, RequestRecord } from '../domain/request-record.ts';
import { RouterError } from '../errors.ts';
import type { WriteBatch } from '../upstream/write-batch.ts';
import type { Gate } from './auth.ts';
import { conclude, noteError } from './conclusion.ts';
import type { Cors } from './cors.ts';
import { dialectOf } from './error-body.ts';
import { isFault, replyWithError } from './error-reply.ts';
import { HttpReply } from './http-reply.ts';
import { type Arrival, type RouteTable, tidy } from './route.ts';
import { readTarget, type Target } from './target.ts';

export interface ServerParts {
  readonly routes: RouteTable;
  readonly gate: Gate;
  readonly cors: Cors;
  /** How long a client may leave its answer unread, in milliseconds. */
  readonly clientIdleMs: number;
  /** Shared with the client of endpoints. */
  readonly batch: WriteBatch;
  /** Told of failures that are the router's own fault. */
  readonly onFault: (error: unknown) => void;
  /** Told of every request: when it has been let in, and when it is over. */
  readonly witness: Witness;
}

/** Who is told of requests. */
export interface Witness {
  begun(record: RequestRecord, isWork: boolean): void;
  over(record: RequestRecord): void;
}

/** Longer than clients' pools keep a connection, so that it is the client that closes it. */
const KEEP_ALIVE_MS = 90_000;
/** How long a client may go on sending a body that was refused. */
const REFUSED_BODY_MS = 5_000;

/** A server that can be told to finish what it has begun. */
export interface DrainableServer {
  readonly server: Server;
  /** Takes no new connection; resolves when all answers are out, or cut off after `limitMs`, and all connections closed. */
  drain(limitMs: number): Promise<void>;
}

/** The router's HTTP side: lets requests in, finds their handlers, and turns whatever is thrown into an answer. */
export function createServer(parts: ServerParts): DrainableServer {
  const options = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: KEEP_ALIVE_MS + 5_000,
    requestTimeout: 0,
    noDelay: true,
  };
  const requestId = requestIds();
  const unanswered = new Set<ServerResponse>();
  let onAnswered = () => {};
  // What is no HTTP at all node answers itself: it knows whether an answer is under way on the connection.
  const server = http.createServer(options, (request, response) => {
    unanswered.add(response);
    const id = requestId(request);
    const reply = new HttpReply(response, id, parts.clientIdleMs, parts.batch);
    const target = readTarget(request.url ?? '/');
    const record = new RequestRecord(received(request, id, target, parts.gate), Date.now(), now);
    // It is over when the client has everything and the line is done with it: either may be last.
    let open = 2;
    const close = () => {
      open--;
      if (open > 0) return;
      conclude(record, reply);
      parts.witness.over(record);
    };
    response.once('close', () => {
      unanswered.delete(response);
      close();
      onAnswered();
    });
    serve(parts, { request, reply, record }, target)
      .catch((error: unknown) => {
        parts.onFault(error);
        reply.cut();
      })
      .finally(close);
  });
  async function drain(limitMs: number): Promise<void> {
    // The close of an HTTP server would also cut answers that are on their way to slow clients.
    const closed = new Promise<void>((resolve) => net.Server.prototype.close.call(server, () => resolve()));
    // Clients keep connections open that carry nothing, some that never did: they are not waited for.
    onAnswered = () => {
      if (unanswered.size === 0) server.closeAllConnections();
    };
    const enough = setTimeout(() => server.closeAllConnections(), limitMs);
    onAnswered();
    await closed;
    clearTimeout(enough);
  }
  return { server, drain };
}

async function serve(parts: ServerParts, arrival: Arrival, target: Target): Promise<void> {
  const { request, reply, record } = arrival;
  try {
    reply.alsoSend(...parts.cors.headers(request));
    // Where Anthropic's clients look for it.
    if (target.path.includes('/messages')) reply.alsoSend('Request-Id', reply.requestId);
    const done = handle(parts, arrival, target);
    if (done !== undefined) await done;
  } catch (error) {
    if (isFault(error)) parts.onFault(error);
    noteError(record, error);
    replyWithError(request, reply, error, dialectOf(tidy(target.path)));
    if (!request.complete && !request.destroyed) drop(request);
  }
}

function handle(parts: ServerParts, arrival: Arrival, target: Target): void | Promise<void> {
  const { request, reply, record } = arrival;
  const method = request.method ?? 'GET';
  if (method === 'OPTIONS') {
    reply.start(204, parts.cors.preflight(request), 0);
    reply.end();
    return undefined;
  }
  const match = parts.routes.match(method, target.path);
  if (match?.route?.open?.includes(method) !== true) parts.gate.check(request, target.keys);
  if (match === undefined) throw unknownRoute(method, target.path, parts.routes.nearest(target.path));
  if (match.route === undefined) throw notAllowed(method, target.path, match.allow);
  record.route = match.route.path;
  record.cancel = () => reply.cancel();
  parts.witness.begun(record, match.route.work === true);
  return match.route.handler({ ...arrival, query: target.query, rest: match.rest });
}

function received(
  { method = 'GET', headers, socket }: IncomingMessage,
  id: string,
  target: Target,
  gate: Gate,
): Received {
  const agent = headers['user-agent'] ?? '';
  const space = agent.indexOf(' ');
  const client = {
    address: socket.remoteAddress ?? '',
    agent: agent.slice(0, space === -1 ? MAX_AGENT : Math.min(space, MAX_AGENT)),
    key: gate.keyName,
  };
  const traceparent = headers['traceparent'];
  return {
    id,
    method,
    path: target.path,
    client,
    traceparent: typeof traceparent === 'string' ? traceparent : undefined,
  };
}

const MAX_AGENT = 64;

const now = () => performance.now();

function unknownRoute(method: string, path: string, nearest: string | undefined): RouterError {
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return new RouterError('unknown_route', `no route ${method} ${path}${hint}`);
}

function notAllowed(method: string, path: string, allow: readonly string[]): RouterError {
  const message = `${method} is not allowed on ${path}; use ${allow.join(' or ')}`;
  return new RouterError('method_not_allowed', message, { headers: { Allow: allow.join(', ') } });
}

/** Reads what a refused client still sends, so that it gets to see why, but not for ever. */
function drop(request: IncomingMessage): void {
  if (request.closed) return;
  const timer = setTimeout(() => request.destroy(), REFUSED_BODY_MS);
  request.on('close', () => clearTimeout(timer));
  request.resume();
}

/** Names requests: with the client's own id where that is fit to be sent back, else a new one. */
function requestIds(): (request: IncomingMessage) => string {
  const start = randomId('r-').slice(0, 10);
  let count = 0;
  return (request) => {
    const given = headerOf(request.rawHeaders, 'x-request-id');
    return given !== undefined && /^[\w.:/-]{1,128}$/.test(given) ? given : `${start}-${(count++).toString(36)}`;
  };
}
