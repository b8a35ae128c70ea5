import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from './load.ts';

/**
 * Measures what a request and a streamed chunk cost the router, as multiples of what they cost nginx, which copies
 * without looking. CPU time per unit, read from /proc, since the load of this program does not saturate nginx. Linux only.
 */
const PORTS = { endpoint: 19100, nginx: 19101, router: 19102 };
const SECONDS = 4;
const ROUNDS = 3;
const PROMPT = 'Explain how a reverse proxy balances load between several servers. '.repeat(10);

interface Scenario {
  readonly name: string;
  readonly connections: number;
  readonly body: string;
  readonly unit: 'requests' | 'chunks';
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'small answers, 64 connections', connections: 64, body: body('small:1b', false), unit: 'requests' },
  { name: '200 streams, 100 chunks a second each', connections: 200, body: body('slow:1b', true), unit: 'chunks' },
];

function body(model: string, stream: boolean): string {
  return JSON.stringify({
    model,
    stream,
    messages: [{ role: 'user', content: PROMPT }],
    options: { temperature: 0.7 },
  });
}

function nginxConfig(folder: string): string {
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `worker_processes 1; daemon off; master_process off; error_log stderr error; pid ${folder}/pid;
events { worker_connections 4096; }
http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  upstream fake { server 127.0.0.1:${PORTS.endpoint}; keepalive 512; }
  server { listen 127.0.0.1:${PORTS.nginx}; keepalive_requests 1000000000;
    location / { proxy_pass http://fake; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } } }`,
  );
  return file;
}

function start(cpu: '0' | '1', command: string, args: readonly string[]): ChildProcess {
  return spawn('taskset', ['-c', cpu, command, ...args], { stdio: ['ignore', 'ignore', 'ignore'] });
}

/** CPU seconds of all threads of a process so far. */
function cpuSeconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const run = (task: string) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return tasks.map(run).reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e9;
}

async function microsecondsPerUnit(
  pid: number,
  port: number,
  { body: sent, connections, unit }: Scenario,
): Promise<number> {
  const before = cpuSeconds(pid);
  const seen = await load(port, sent, connections, SECONDS);
  if (seen.errors > 0) throw new Error(`${seen.errors} errors`);
  return ((cpuSeconds(pid) - before) * 1e6) / seen[unit];
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

async function untilReady(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/tags`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`nothing answers on port ${port}`);
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nomyo-bench-'));
  const settings = join(folder, 'config.yaml');
  writeFileSync(
    settings,
    `endpoints: [http://127.0.0.1:${PORTS.endpoint}]\nmax_concurrent_connections: 1000\nport: ${PORTS.router}\n`,
  );
  const main = join(import.meta.dirname, '../src/main.ts');
  const children = [
    start('1', process.execPath, [join(import.meta.dirname, 'fake-endpoint.ts'), String(PORTS.endpoint)]),
    start('0', 'nginx', ['-c', nginxConfig(folder), '-p', folder]),
    start('0', process.execPath, [main, '--config', settings]),
  ];
  try {
    await Promise.all([untilReady(PORTS.nginx), untilReady(PORTS.router)]);
    for (const scenario of SCENARIOS) await compare(scenario, children[1]?.pid ?? 0, children[2]?.pid ?? 0);
  } finally {
    for (const child of children) child.kill('SIGTERM');
  }
}

async function compare(scenario: Scenario, nginx: number, router: number): Promise<void> {
  const rounds: { nginx: number; router: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const base = await microsecondsPerUnit(nginx, PORTS.nginx, scenario);
    rounds.push({ nginx: base, router: await microsecondsPerUnit(router, PORTS.router, scenario) });
  }
  const ratio = median(rounds.map((round) => round.router / round.nginx));
  const [base, own] = [median(rounds.map((round) => round.nginx)), median(rounds.map((round) => round.router))];
  const unit = scenario.unit.slice(0, -1);
  console.log(
    `${scenario.name}: ${ratio.toFixed(2)} x nginx (${own.toFixed(1)} against ${base.toFixed(1)} microseconds of CPU a ${unit})`,
  );
}

if (process.platform !== 'linux' || spawnSync('nginx', ['-v']).status !== 0) {
  console.error('the benchmark needs Linux and nginx');
  process.exitCode = 1;
} else await measure();
