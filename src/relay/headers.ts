import type { Endpoint } from '../domain/endpoint.ts';
import { authorization } from '../upstream/authorization.ts';

/** Concern one connection only (RFC 9110, section 7.6.1), or are computed anew for the next one. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
];

/** Beside those: the client's own secrets, a browser's marks, and what the router has already dealt with. */
const NOT_UPSTREAM = new Set([
  ...HOP_BY_HOP,
  'host',
  'authorization',
  'x-api-key',
  'cookie',
  'origin',
  'referer',
  'expect',
  'content-type',
  'content-encoding',
  'accept-encoding',
]);
const NOT_UPSTREAM_PREFIXES = ['sec-fetch-', 'access-control-', 'x-nomyo-'];

const NO_TOKENS: readonly string[] = [];

const NOT_DOWNSTREAM = new Set([...HOP_BY_HOP, 'date', 'set-cookie']);

/**
 * The headers for an endpoint: the client's, without what must not reach it, and the endpoint's own key. The body is
 * named JSON whatever the client called it, since strict endpoints insist, and the answer must come uncompressed, since
 * it is read on its way.
 */
export function upstreamHeaders(
  client: readonly string[],
  endpoint: Endpoint,
  contentType = 'application/json',
): string[] {
  const named = connectionTokens(client);
  const headers = ['Content-Type', contentType, 'Accept-Encoding', 'identity'];
  for (let i = 0; i < client.length; i += 2) {
    const name = client[i] ?? '';
    const lower = name.toLowerCase();
    if (NOT_UPSTREAM.has(lower) || named.includes(lower) || NOT_UPSTREAM_PREFIXES.some((p) => lower.startsWith(p)))
      continue;
    headers.push(name, client[i + 1] ?? '');
  }
  return [...headers, ...authorization(endpoint)];
}

/** The headers with another place in the trace (W3C Trace Context) in place of the client's, where the router traces. */
export function withTrace(headers: string[], traceparent: string | undefined): string[] {
  if (traceparent === undefined) return headers;
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.toLowerCase() !== 'traceparent') kept.push(name, headers[i + 1] ?? '');
  }
  return [...kept, 'traceparent', traceparent];
}

/** The headers for the client: the endpoint's, without what concerns our connection to it; CORS is the router's own. */
export function downstreamHeaders(upstream: readonly string[], contentType: string | undefined): string[] {
  const named = connectionTokens(upstream);
  const headers: string[] = contentType === undefined ? [] : ['Content-Type', contentType];
  for (let i = 0; i < upstream.length; i += 2) {
    const name = upstream[i] ?? '';
    const lower = name.toLowerCase();
    if (NOT_DOWNSTREAM.has(lower) || named.includes(lower) || isOurs(lower)) continue;
    if (contentType !== undefined && lower === 'content-type') continue;
    headers.push(name, upstream[i + 1] ?? '');
  }
  return headers;
}

/** What the router alone says to clients. */
function isOurs(name: string): boolean {
  return name.startsWith('access-control-') || name.startsWith('x-nomyo-');
}

/** Keep proxies between router and client from holding a stream back, whatever the endpoint says of that. */
const STREAM_HEADERS = ['Cache-Control', 'no-cache, no-transform', 'X-Accel-Buffering', 'no'];

/** The headers of a stream: the given ones with those that only a stream has. */
export function streamHeaders(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!/^(cache-control|x-accel-buffering)$/i.test(name)) kept.push(name, headers[i + 1] ?? '');
  }
  return [...kept, ...STREAM_HEADERS];
}

/** Header names that `Connection` headers declare to concern this connection only. */
function connectionTokens(headers: readonly string[]): readonly string[] {
  let tokens = NO_TOKENS;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = (headers[i + 1] ?? '').toLowerCase();
    if (value !== 'keep-alive' && value !== 'close')
      tokens = [...tokens, ...value.split(',').map((token) => token.trim())];
  }
  return tokens;
}
