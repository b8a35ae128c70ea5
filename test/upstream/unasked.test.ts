import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Http1Client } from '../../src/upstream/http1-client.ts';
import { readAll } from '../../src/upstream/read-all.ts';
import { WriteBatch } from '../../src/upstream/write-batch.ts';

/** Makes writes only when told to. */
class HeldBatch extends WriteBatch {
  #held: (() => void)[] = [];

  override add(write: () => void): void {
    this.#held.push(write);
  }

  make(): void {
    for (const write of this.#held.splice(0)) write();
  }
}

const answer = (text: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

test('an answer that comes before its request is sent is not taken for it, and the connection not used', async (context) => {
  const connections: Socket[] = [];
  const server = createServer((socket) => {
    connections.push(socket);
    socket.on('data', (bytes) => socket.write(answer(`to ${String(bytes).split(' ')[1]}`)));
  }).listen(0, '127.0.0.1');
  context.after(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const batch = new HeldBatch();
  const client = new Http1Client(batch);
  const timeouts = { connect: 5_000, firstByte: 5_000, idle: 5_000 };
  const open = (path: string) =>
    client.open({ base: `http://127.0.0.1:${address.port}`, method: 'GET', path, headers: [], timeouts });

  using first = open('/first');
  batch.make();
  assert.equal(String(await readAll(await first.answer, 100)), 'to /first');
  using second = open('/second');
  const [used] = connections;
  assert.ok(used);
  used.write(answer('stray'));
  await once(used, 'close', { signal: AbortSignal.timeout(5_000) });
  batch.make();
  assert.equal(String(await readAll(await second.answer, 100)), 'to /second');
  assert.equal(connections.length, 2);
  client.close();
});
