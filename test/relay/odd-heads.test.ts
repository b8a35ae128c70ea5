import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { startRouter } from '../support/router.ts';
import { headerIn, jsonOf } from '../support/wire.ts';

const BODY = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
const LISTS: Readonly<Record<string, string>> = {
  '/v1/models': '{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"me"}]}',
};

/** A server that lists a model and answers every request for it with these very bytes. */
async function serverThatSays(answer: string) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const [, path = ''] = bytes.toString('latin1').split(' ');
      const list = LISTS[path];
      socket.end(list === undefined ? Buffer.from(answer, 'latin1') : `HTTP/1.1 200 OK\r\n\r\n${list}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() };
}

for (const [name, head] of [
  ['a control character in a header', '200 OK\r\nX-Odd: a\u0001b\r\nX-Good: 1'],
  ['a header name that is none', '200 OK\r\nX Odd(): a\r\nX-Good: 1'],
  ['such headers in a refusal', '429 Slow\r\nX-Odd: a\u0001b\r\nRetry-After: 3\u0001\r\nX-Good: 1'],
  ['such headers in a refusal that is converted', '500 No\r\nX-RateLimit-X: a\u0001b\r\nRetry-After: 3'],
  ['a length that is none', '200 OK\r\nContent-Length: many'],
  ['no HTTP at all', 'hello'],
  ['a status beyond sense', '999 Odd\r\nX-Good: 1'],
  ['a switch of protocols', '101 Switching\r\nUpgrade: x'],
  ['a redirect', '302 Found\r\nLocation: http://elsewhere/'],
] as const) {
  test(`an endpoint that answers with ${name} does no harm to the router`, async () => {
    using server = await serverThatSays(`HTTP/1.1 ${head}\r\nContent-Type: text/plain\r\n\r\nwords`);
    await using router = await startRouter({ endpoints: [{ url: server.url, kind: 'openai' }] });
    const answer = await router.ask('/v1/chat/completions', { body: BODY });
    assert.equal(answer.complete, true);
    assert.equal(headerIn(answer, 'x-odd'), undefined);
    if (answer.status >= 400) assert.equal(typeof jsonOf(answer).error.message, 'string');
    assert.equal((await router.ask('/health/live')).status, 200);
  });
}
