import type { Endpoint } from '../domain/endpoint.ts';
import { asObject, type JsonObject } from '../domain/json.ts';
import { ClientGone, EndpointFailure } from '../errors.ts';
import { authorization } from './authorization.ts';
import type { UpstreamClient, UpstreamRequest } from './client.ts';
import { readAll } from './read-all.ts';

/** A large provider lists thousands of models; nobody's list is longer, in bytes. */
const MAX_BYTES = 32 * 1024 * 1024;

export interface JsonAnswer {
  readonly status: number;
  /** The body as an object; empty where it is none. */
  readonly object: JsonObject;
  /** The body as it came. */
  readonly body: Buffer;
}

/** A question to an endpoint; a body is JSON. Who aborts `signal` gets `ClientGone`. */
interface Question {
  readonly method: UpstreamRequest['method'];
  readonly path: string;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** Asks an endpoint about itself. Rejects with `EndpointFailure` where no answer comes within `timeoutMs`, all told. */
export async function fetchJson(
  client: UpstreamClient,
  endpoint: Endpoint,
  request: Question,
  timeoutMs: number,
): Promise<JsonAnswer> {
  if (request.signal?.aborted) throw new ClientGone();
  using exchange = client.open({
    base: endpoint.base,
    method: request.method,
    path: request.path,
    headers: ['Accept', 'application/json', ...contentType(request.body), ...authorization(endpoint)],
    ...(request.body !== undefined && { body: Buffer.from(request.body) }),
    timeouts: { connect: timeoutMs, firstByte: timeoutMs, idle: timeoutMs },
  });
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new EndpointFailure('timeout', `did not answer in ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const leave = () => exchange.abort();
  request.signal?.addEventListener('abort', leave);
  try {
    const answer = await Promise.race([exchange.answer, late]);
    const body = await Promise.race([readAll(answer, MAX_BYTES), late]);
    return { status: answer.status, object: parse(body), body };
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', leave);
  }
}

function contentType(body: string | undefined): string[] {
  return body === undefined ? [] : ['Content-Type', 'application/json'];
}

function parse(body: Buffer): JsonObject {
  try {
    return asObject(JSON.parse(body.toString('utf8'))) ?? {};
  } catch {
    return {};
  }
}
