import { createHash } from 'node:crypto';
import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { RecordedRequest } from '../simulation.ts';
import { goJson } from './go-json.ts';
import { jsonType } from './sink.ts';

/** Whether a digest has the form that blobs have. */
export function isDigest(text: string): boolean {
  return /^sha256[:-][0-9a-fA-F]{64}$/.test(text);
}

const path = '/api/blobs/';

/** The digest in the path of a blob's request, as blobs are kept. */
function digestOf(target: string): string {
  return target.slice(path.length).replace('-', ':');
}

/** An upload of what is there already is answered before its body is read. */
export function isKnownUpload(host: Host, request: Pick<RecordedRequest, 'method' | 'path'>): boolean {
  return request.method === 'POST' && request.path.startsWith(path) && host.blobs.has(digestOf(request.path));
}

/** HEAD /api/blobs/:digest. */
export async function headBlob(host: Host, exchange: Exchange): Promise<void> {
  if (!isDigest(digestOf(exchange.path))) return fail(exchange, 400, 'invalid digest format');
  if (!host.blobs.has(digestOf(exchange.path))) return fail(exchange, 404, 'blob not found');
  return exchange.send(200, [], '');
}

/** POST /api/blobs/:digest. */
export async function postBlob(host: Host, exchange: Exchange): Promise<void> {
  const digest = digestOf(exchange.path);
  if (!isDigest(digest)) return fail(exchange, 400, 'invalid digest format');
  if (host.blobs.has(digest)) return exchange.send(200, [['Connection', 'close']], '');
  const got = `sha256:${createHash('sha256').update(exchange.recording.body).digest('hex')}`;
  if (got !== digest) return fail(exchange, 400, `digest mismatch, expected "${digest}", got "${got}"`);
  host.blobs.add(digest);
  return exchange.send(201, [], '');
}

function fail(exchange: Exchange, status: number, error: string): Promise<void> {
  return exchange.send(status, jsonType, goJson({ error }));
}
