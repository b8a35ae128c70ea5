import net from 'node:net';

/**
 * A fast fake Ollama for measuring, in a process of its own: fake-endpoint.ts PORT. It frames requests just well enough
 * for what the load sends, which the simulated fleet, faithful and slow, is not made for.
 */
const TAGS = list(
  ['small:1b', 'slow:1b'].map((name) => ({
    name,
    model: name,
    modified_at: '2026-11-01T00:00:00Z',
    size: 1,
    digest: 'a'.repeat(64),
    details: {},
  })),
);
const PS = list(
  ['small:1b', 'slow:1b'].map((name) => ({
    name,
    model: name,
    size: 1,
    size_vram: 1,
    digest: 'a'.repeat(64),
    details: {},
    expires_at: '2318-01-01T00:00:00Z',
    context_length: 4096,
  })),
);
const SMALL = json({
  model: 'small:1b',
  created_at: '2026-11-01T00:00:00Z',
  message: { role: 'assistant', content: 'The quick brown fox. '.repeat(14) },
  done: true,
  done_reason: 'stop',
  prompt_eval_count: 26,
  eval_count: 100,
});
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNK = chunk({
  model: 'slow:1b',
  created_at: '2026-11-01T00:00:00Z',
  message: { role: 'assistant', content: ' tok' },
  done: false,
});
const LAST = `${chunk({ model: 'slow:1b', created_at: '2026-11-01T00:00:00Z', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 26, eval_count: 50 })}0\r\n\r\n`;
const CHUNKS = 50;
const CHUNK_EVERY_MS = 10;

function list(models: unknown[]): string {
  return json({ models });
}

function json(value: unknown): string {
  const body = JSON.stringify(value);
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function chunk(value: unknown): string {
  const line = `${JSON.stringify(value)}\n`;
  return `${Buffer.byteLength(line).toString(16)}\r\n${line}\r\n`;
}

function answer(socket: net.Socket, request: string): void {
  if (request.startsWith('GET /api/tags')) socket.write(TAGS);
  else if (request.startsWith('GET /api/ps')) socket.write(PS);
  else if (request.startsWith('GET ')) socket.write(json({ version: '0.24.0' }));
  else if (request.includes('"stream":false')) socket.write(SMALL);
  else stream(socket);
}

function stream(socket: net.Socket): void {
  socket.write(STREAM_HEAD);
  let left = CHUNKS;
  const timer = setInterval(() => {
    socket.write(left > 0 ? CHUNK : LAST);
    if (left-- === 0) clearInterval(timer);
  }, CHUNK_EVERY_MS);
  socket.once('close', () => clearInterval(timer));
}

function serve(socket: net.Socket): void {
  let held = '';
  socket.setNoDelay(true).on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    held += bytes.toString('latin1');
    for (let end = held.indexOf('\r\n\r\n'); end !== -1; end = held.indexOf('\r\n\r\n')) {
      const length = Number(/content-length: *(\d+)/i.exec(held.slice(0, end))?.[1] ?? 0);
      if (held.length < end + 4 + length) return;
      answer(socket, held.slice(0, end + 4 + length));
      held = held.slice(end + 4 + length);
    }
  });
}

net.createServer(serve).listen(Number(process.argv[2]), '127.0.0.1', 4096);
