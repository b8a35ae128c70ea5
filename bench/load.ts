import net from 'node:net';

/** What one closed-loop load saw. */
export interface Seen {
  readonly requests: number;
  readonly chunks: number;
  readonly errors: number;
}

const DONE = '"done":true';

/** Sends the same request over `connections` again and again for `seconds`; each waits for its answer. */
export async function load(port: number, body: string, connections: number, seconds: number): Promise<Seen> {
  const head = 'POST /api/chat HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n';
  const request = `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const seen = { requests: 0, chunks: 0, errors: 0 };
  const sockets = Array.from({ length: connections }, () => client(port, request, seen));
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  for (const socket of sockets) socket.destroy();
  return seen;
}

function client(port: number, request: string, seen: { requests: number; chunks: number; errors: number }): net.Socket {
  const socket = net.connect(port, '127.0.0.1', () => socket.write(request)).setNoDelay(true);
  let head = true;
  let tail = '';
  socket.on('error', () => seen.errors++);
  socket.on('data', (bytes) => {
    const text = tail + bytes.toString('latin1');
    if (head && !text.startsWith('HTTP/1.1 200')) seen.errors++;
    head = false;
    seen.chunks += text.split('"done":').length - 1 - (tail.split('"done":').length - 1);
    const whole = text.includes(DONE) && (text.endsWith('}') || text.endsWith('0\r\n\r\n'));
    tail = whole ? '' : text.slice(-200);
    if (!whole) return;
    seen.requests++;
    head = true;
    socket.write(request);
  });
  return socket;
}
