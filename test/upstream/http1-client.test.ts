import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Http1Client } from '../../src/upstream/http1-client.ts';
import { failureOf } from '../support/answer-reader.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { ok, Stage } from './client-suite/stage.ts';
import { clientSuite } from './client-suite.ts';

clientSuite({ name: 'http', create: () => new Http1Client(), stride: 1 });

const CERT = fileURLToPath(new URL('../fixtures/tls/cert.pem', import.meta.url));
const KEY = fileURLToPath(new URL('../fixtures/tls/key.pem', import.meta.url));
const credentials = { cert: readFileSync(CERT, 'utf8'), key: readFileSync(KEY, 'utf8') };

/** A client before a server that answers with the Host header of the request. */
async function hostEcho(host: string, secure = false): Promise<Stage> {
  const server = await ScriptedServer.start(
    async (peer) => {
      const { head } = await peer.request();
      await peer.write(ok(/Host: (.*)\r\n/.exec(head)?.[1] ?? ''));
    },
    secure ? credentials : undefined,
    host,
  );
  return new Stage(new Http1Client(), server);
}

test('an endpoint may have an IPv6 address', async (context) => {
  const scene = await hostEcho('::1').catch(() => undefined);
  if (scene === undefined) return context.skip('this machine has no IPv6');
  await using _scene = scene;
  assert.equal((await scene.ask()).text, `[::1]:${scene.server.port}`);
});

test('an endpoint may be named, and listen on one of its addresses only', async () => {
  await using scene = await hostEcho('127.0.0.1');
  const base = `http://localhost:${scene.server.port}`;
  assert.equal((await scene.ask({ base })).text, `localhost:${scene.server.port}`);
});

test('a certificate that nobody vouches for is unreachable, in words', async () => {
  await using scene = await hostEcho('127.0.0.1', true);
  const failure = await failureOf(scene.ask());
  assert.deepEqual([failure.reason, failure.message], ['unreachable', 'certificate not trusted: self-signed']);
});

test('an endpoint without TLS is unreachable over https, in words', async () => {
  const server = await ScriptedServer.start((peer) => peer.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await using scene = new Stage(new Http1Client(), server);
  const failure = await failureOf(scene.ask({ base: server.url.replace('http:', 'https:') }));
  assert.deepEqual([failure.reason, failure.message], ['unreachable', 'no TLS connection']);
});

test('NODE_EXTRA_CA_CERTS vouches for an endpoint of its own authority', async () => {
  await using scene = await hostEcho('127.0.0.1', true);
  const client = new URL('../../src/upstream/http1-client.ts', import.meta.url);
  const script = `
    const { Http1Client } = await import('${client}');
    const timeouts = { connect: 9000, firstByte: 9000, idle: 9000 };
    const client = new Http1Client();
    const { answer } = client.open({ base: '${scene.server.url}', method: 'GET', path: '/', headers: [], timeouts });
    console.log((await answer).status);
    client.close();`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: CERT };
  const status = await new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { env }, (error, out, err) =>
      resolve(error === null ? out.trim() : err),
    );
  });
  assert.equal(status, '200');
});
