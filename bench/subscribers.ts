import { type ChildProcess, fork, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from '../src/app.ts';
import { defaultConfig } from '../src/config/load.ts';
import { lineLog } from '../src/telemetry/log.ts';
import { load } from './load.ts';

/**
 * Measures what subscribers of `/api/usage-stream` cost while streams run through the router: `node bench/subscribers.ts
 * [COUNT]`. Memory and CPU time of the router, a process of its own, are read from /proc. Linux only.
 */
const ENDPOINT_PORT = 19_110;
const SECONDS = 12;
const STREAMS = 64;
const BODY = JSON.stringify({ model: 'slow:1b', stream: true, messages: [{ role: 'user', content: 'x' }] });
const ENDPOINT = `http://127.0.0.1:${ENDPOINT_PORT}`;

const [what = '1000'] = process.argv.slice(2);
if (what === 'router') await runRouter();
else await measure(Number(what));

async function runRouter(): Promise<void> {
  const settings = { endpoints: [ENDPOINT], max_concurrent_connections: 1_000, port: 0, db_path: 'none' };
  const app = createApp(defaultConfig(settings), { log: lineLog(() => {}) });
  const { port } = await app.listen();
  await app.probed(10_000);
  process.send?.(port);
}

async function measure(count: number): Promise<void> {
  const endpoint = spawn(process.execPath, [join(import.meta.dirname, 'fake-endpoint.ts'), String(ENDPOINT_PORT)]);
  await untilThere();
  const router = fork(import.meta.filename, ['router']);
  try {
    const port = await new Promise<number>((resolve) => router.once('message', (said) => resolve(Number(said))));
    console.log(`at rest: ${mebibytes(router)} MiB`);
    await underLoad('to warm up', router, port);
    await underLoad('nobody subscribed', router, port);
    for (const reads of [true, false]) {
      const subscribers = await subscribe(port, count, reads);
      await underLoad(`${count} subscribers that ${reads ? 'read' : 'read nothing'}`, router, port);
      console.log(`  each was sent ${Math.round(subscribers.received() / count / 1024)} KiB`);
      subscribers.leave();
      await delay(1_000);
    }
    await underLoad('all have left', router, port);
  } finally {
    router.kill('SIGKILL');
    endpoint.kill('SIGKILL');
  }
}

async function underLoad(title: string, router: ChildProcess, port: number): Promise<void> {
  const before = cpuSeconds(router);
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, mebibytes(router))), 100);
  const { requests, chunks, errors } = await load(port, BODY, STREAMS, SECONDS);
  clearInterval(watch);
  const percent = ((cpuSeconds(router) - before) / SECONDS) * 100;
  const done = `${requests} streams, ${chunks} chunks, ${errors} errors`;
  console.log(`${title}: ${most} MiB at most, ${percent.toFixed(1)} % of a CPU; ${done}`);
}

async function subscribe(port: number, count: number, reads: boolean) {
  let received = 0;
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write('GET /api/usage-stream HTTP/1.1\r\nHost: bench\r\n\r\n');
    if (reads) socket.on('data', (bytes) => (received += bytes.length));
    else socket.pause();
    sockets.push(socket);
  }
  return {
    received: () => received,
    leave: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function untilThere(): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await fetch(`${ENDPOINT}/api/version`).catch(() => undefined))?.ok === true) return;
    await delay(50);
  }
  throw new Error(`nothing answers on port ${ENDPOINT_PORT}`);
}

function mebibytes({ pid }: ChildProcess): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Math.round((Number(pages) * 4096) / 2 ** 20);
}

/** CPU seconds of all threads of a process so far. */
function cpuSeconds({ pid }: ChildProcess): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const run = (task: string) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return tasks.map(run).reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e9;
}
