import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { RealServer } from './servers.ts';

/** A registry on a loopback port; leaving its scope ends it. */
export interface Registry extends AsyncDisposable {
  /** What model names begin with: `http://127.0.0.1:<port>/library`. */
  readonly prefix: string;
}

/**
 * Serves the one model of a real Ollama server, `tiny`, under any name but `none`, and takes none. Ollama fetches files
 * from another host than their registry only: here from `localhost`.
 */
export async function startRegistry(source: RealServer): Promise<Registry> {
  const models = join(source.folder, 'models');
  const server = createServer((request, response) => {
    request.resume();
    answer(models, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    prefix: `http://127.0.0.1:${port}/library`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(models: string, request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '';
  const digest = /sha256:[0-9a-f]{64}/.exec(url)?.[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') refuse(response, 403, 'DENIED');
  else if (/\/manifests\//.test(url) && !url.includes('/none/')) manifest(models, response);
  else if (digest === undefined) refuse(response, 404, 'MANIFEST_UNKNOWN');
  else if (url.startsWith('/v2/') && request.method === 'GET') redirect(request, response, digest);
  else file(join(models, 'blobs', digest.replace(':', '-')), request, response);
}

function manifest(models: string, response: ServerResponse): void {
  response.end(readFileSync(join(models, 'manifests/registry.ollama.ai/library/tiny/latest')));
}

function redirect({ socket }: IncomingMessage, response: ServerResponse, digest: string): void {
  response.writeHead(307, { Location: `http://localhost:${socket.localPort}/files/${digest}` }).end();
}

function file(path: string, { method, headers }: IncomingMessage, response: ServerResponse): void {
  const whole = readFileSync(path);
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  const part = from === undefined ? whole : whole.subarray(Number(from), Number(to) + 1);
  response.writeHead(from === undefined ? 200 : 206, { 'Content-Length': part.length });
  response.end(method === 'HEAD' ? undefined : part);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message: 'this registry does not do that' }] }));
}
