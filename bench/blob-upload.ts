import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from '../src/app.ts';
import { defaultConfig } from '../src/config/load.ts';
import { lineLog } from '../src/telemetry/log.ts';

/**
 * Measures the router's memory while one client uploads a file to two endpoints, a fast one and one that takes its time:
 * `node bench/blob-upload.ts [GiB]`. The router is a process of its own; what it holds is read from /proc.
 */
const [what = '3', ...urls] = process.argv.slice(2);
if (what === 'router') await runRouter(urls);
else await measure(Number(what) * 2 ** 30);

async function runRouter(endpoints: string[]): Promise<void> {
  const app = createApp(defaultConfig({ endpoints, port: 0, db_path: 'none' }), { log: lineLog(console.error) });
  const { port } = await app.listen();
  await app.probed(5_000);
  process.send?.(port);
}

/** An Ollama as far as uploads go; it reads on only after `pauseMs` for every 8 MiB. */
async function startEndpoint(pauseMs: number): Promise<{ url: string; got: () => number; close: () => void }> {
  let got = 0;
  const server = createServer(async (incoming, response) => {
    if (incoming.method === 'GET') {
      response.end(incoming.url === '/api/version' ? '{"version":"0.24.0"}' : '{"models":[]}');
      return;
    }
    for await (const bytes of incoming) {
      const before = got;
      got += bytes.length;
      if (pauseMs > 0 && Math.floor(before / 2 ** 23) < Math.floor(got / 2 ** 23)) await delay(pauseMs);
    }
    response.writeHead(201, { 'Content-Length': 0 }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, got: () => got, close: () => server.close() };
}

async function measure(bytes: number): Promise<void> {
  const fast = await startEndpoint(0);
  const slow = await startEndpoint(40);
  const router = fork(import.meta.filename, ['router', fast.url, slow.url]);
  const port = await new Promise<number>((resolve) => router.once('message', (said) => resolve(Number(said))));
  const atRest = rssMiB(router.pid);
  /** The most in memory, for each GiB of the file. */
  const most: number[] = [];
  let apart = 0;
  const watch = setInterval(() => {
    const part = Math.floor(slow.got() / 2 ** 30);
    most[part] = Math.max(most[part] ?? 0, rssMiB(router.pid));
    apart = Math.max(apart, fast.got() - slow.got());
  }, 50);
  const start = performance.now();
  const status = await upload(port, bytes);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(watch);
  router.kill();
  fast.close();
  slow.close();
  console.log(`${bytes / 2 ** 30} GiB to two endpoints: ${status}, ${seconds.toFixed(1)} s`);
  console.log(
    `router: ${atRest} MiB at rest, at most ${most.join(', ')} MiB in each GiB; fast endpoint at most ${mib(apart)} MiB ahead`,
  );
}

/** In chunks, as the `ollama` command sends it. */
async function upload(port: number, bytes: number): Promise<number> {
  const path = `/api/blobs/sha256:${'0'.repeat(64)}`;
  const sending = request({ port, path, method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
  const status = new Promise<number>((resolve, reject) => {
    sending.once('response', (response) => resolve(response.resume().statusCode ?? 0)).once('error', reject);
  });
  const piece = Buffer.alloc(256 * 1024, 'x');
  for (let left = bytes; left > 0; left -= piece.length)
    if (!sending.write(piece)) await new Promise((resolve) => sending.once('drain', resolve));
  sending.end();
  return status;
}

function rssMiB(pid: number | undefined): number {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}

function mib(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
