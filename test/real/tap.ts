import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** Something that stands before a real server, passes everything on as it is and keeps the last answer to a POST. */
export interface Tap extends AsyncDisposable {
  readonly url: string;
  /** What the server has said so far in answer to the last POST; framing of HTTP is taken away. */
  readonly said: Buffer;
}

/** Stands before the server of this URL, on a port of its own. */
export async function tapped(base: string): Promise<Tap> {
  let said: Buffer[] = [];
  const server = createServer((incoming, answer) => {
    const keeps = incoming.method === 'POST';
    if (keeps) said = [];
    forward(base, incoming, answer, (bytes) => keeps && said.push(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    url: `http://127.0.0.1:${port}`,
    get said() {
      return Buffer.concat(said);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function forward(base: string, incoming: IncomingMessage, answer: ServerResponse, onBytes: (bytes: Buffer) => void) {
  const { hostname, port, host } = new URL(base);
  const headers = { ...incoming.headers, host };
  const { method = 'GET', url: path = '/' } = incoming;
  const outgoing = request({ hostname, port, path, method, headers, agent: false });
  outgoing.once('response', (response) => {
    answer.writeHead(response.statusCode ?? 502, response.headers);
    response.on('data', onBytes);
    response.pipe(answer);
    response.once('error', () => answer.destroy());
  });
  outgoing.once('error', () => answer.destroy());
  answer.once('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}
