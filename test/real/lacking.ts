import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { RealServer } from './servers.ts';

/** A real server as it would be without some of its routes: for them it answers what it says to any path it lacks. */
export interface Lacking extends AsyncDisposable {
  readonly url: string;
  /** Paths asked for so far, probes aside, oldest first. */
  readonly asked: string[];
}

const NO_SUCH_PATH = '/no-such-path';
/** What the router's probes ask for. */
const PROBES = ['/health', '/props', '/v1/models', '/api/version', '/api/tags', '/api/ps'];

/** Passes everything on to the real server, to the byte, except for what is asked of the paths that it is to lack. */
export async function lacking(real: Pick<RealServer, 'url'>, ...paths: readonly string[]): Promise<Lacking> {
  const asked: string[] = [];
  const server = createServer((incoming, answer) => {
    const path = (incoming.url ?? '').split('?')[0] ?? '';
    if (!PROBES.includes(path)) asked.push(path);
    forward(real.url, paths.includes(path) ? NO_SUCH_PATH : (incoming.url ?? '/'), incoming, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(base: string, path: string, incoming: IncomingMessage, answer: ServerResponse): void {
  const { hostname, port, host } = new URL(base);
  const headers = { ...incoming.headers, host };
  const outgoing = request({ hostname, port, path, method: incoming.method ?? 'GET', headers, agent: false });
  outgoing.once('response', (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.pipe(answer);
    response.once('error', () => answer.destroy());
  });
  outgoing.once('error', () => answer.destroy());
  answer.once('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}
