import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const fixture = join(import.meta.dirname, '../fixtures/stories260K-syn.gguf');
const template = '{{ range .Messages }}{{ .Content }} {{ end }}';
const startLimitMs = 30_000;

/** A real server in a process and a folder of its own; leaving its scope ends both. */
export interface RealServer extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  /** Kills it, and what it started, in the middle of whatever they do. */
  crash(): Promise<void>;
  /** Kills only the processes that it has started to run models. */
  crashRunners(): void;
  /** Starts it again after a crash, as it was. */
  restart(): Promise<void>;
}

/** How a real llama-server is started. */
export interface RealLlamaOptions {
  /** Slots; 1 by default. */
  readonly parallel?: number;
  /** More arguments, e.g. `--api-key`, `x`. */
  readonly args?: readonly string[];
  /** The one model's name (`tiny` by default); or, as a list, the models of a router. */
  readonly models?: string | readonly string[];
  /** Of a router: models whose files are no models. */
  readonly broken?: readonly string[];
  /** Of a router: more models, by name with what is said of each besides its file. */
  readonly presets?: Readonly<Record<string, readonly string[]>>;
}

/** Where a real program is, once it was built. */
export function realServer(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(process.env['NOMYO_REAL_SERVERS'] ?? join(cache, 'nomyo-router', 'real-servers'), 'bin', name);
}

/** Why the real servers cannot be started, or undefined where they can. */
export function realServersMissing(): string | undefined {
  const missing = ['ollama', 'ollama-0.32', 'llama-server'].map(realServer).filter((path) => !existsSync(path));
  if (missing.length === 0) return undefined;
  return `no ${missing.join(', no ')}: run test/real/install-servers.sh once`;
}

/** What a real Ollama starts with. */
export interface RealOllamaOptions {
  /** Answers end only where a request says so. */
  readonly endless?: boolean;
}

/** Ollama with one model, `tiny`: made anew, or the same as a twin's to the digest, as if both had pulled it. */
export async function startRealOllama(from: RealServer | RealOllamaOptions = {}): Promise<RealServer> {
  const twin = 'url' in from ? from : undefined;
  const server = await started('ollama', ({ port, folder }) => {
    const models = join(folder, 'models');
    if (twin !== undefined) cpSync(join(twin.folder, 'models'), models, { recursive: true });
    return {
      args: ['serve'],
      env: { OLLAMA_HOST: `127.0.0.1:${port}`, OLLAMA_MODELS: models, HOME: folder },
      ready: '/api/version',
    };
  });
  if (!('url' in from)) await createTiny(server.url, from.endless ?? false);
  return server;
}

/** llama-server with one model, or with several and none loaded. */
export async function startRealLlamaServer(options: RealLlamaOptions = {}): Promise<RealServer> {
  const models = options.models ?? 'tiny';
  return started('llama-server', ({ port, folder }) => {
    const source = typeof models === 'string' ? ['-m', fixture, '--alias', models] : many(folder, models, options);
    const common = ['--port', String(port), '--parallel', String(options.parallel ?? 1), '--no-webui'];
    return { args: [...source, ...common, ...(options.args ?? [])], env: { HOME: folder }, ready: '/health' };
  });
}

function many(folder: string, names: readonly string[], { broken = [], presets = {} }: RealLlamaOptions): string[] {
  const path = join(folder, 'gguf');
  mkdirSync(path);
  for (const name of names) copyFileSync(fixture, join(path, `${name}.gguf`));
  for (const name of broken) writeFileSync(join(path, `${name}.gguf`), 'GGUF and nothing more');
  const sections = Object.entries(presets).map(([name, lines]) => [`[${name}]`, `model = ${fixture}`, ...lines]);
  const preset = join(folder, 'presets.ini');
  writeFileSync(preset, ['version = 1', ...sections.flat(), ''].join('\n'));
  return ['--models-dir', path, ...(sections.length > 0 ? ['--models-preset', preset] : [])];
}

/** By HTTP, as `ollama create` does it: the file as a blob, then the model. */
async function createTiny(url: string, endless: boolean): Promise<void> {
  const bytes = await readFile(fixture);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await expectOk(fetch(`${url}/api/blobs/${digest}`, { method: 'POST', body: bytes }));
  // Left alone it babbles on past its context, now and then for minutes.
  const parameters = { num_predict: endless ? -1 : 64 };
  const body = { model: 'tiny', files: { 'tiny.gguf': digest }, template, parameters, stream: false };
  await expectOk(fetch(`${url}/api/create`, { method: 'POST', body: JSON.stringify(body) }));
}

async function expectOk(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}

interface Launch {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A path that answers 200 when the server is ready. */
  readonly ready: string;
}

async function started(name: string, launch: (place: { port: number; folder: string }) => Launch): Promise<RealServer> {
  const folder = await mkdtemp(join(tmpdir(), `nomyo-${name}-`));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const run = () => running(name, launch({ port, folder }), url);
  let child = await run().catch(async (error) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    url,
    folder,
    crash: () => crashed(child),
    crashRunners: () => kill(startedBy(child.pid)),
    restart: async () => {
      child = await run();
    },
    [Symbol.asyncDispose]: () => ended(child, folder),
  };
}

/** Starts the program and waits until it answers. */
async function running(name: string, { args, env, ready }: Launch, url: string): Promise<ChildProcess> {
  const child = spawn(realServer(name), args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-4000);
  });
  try {
    await untilReady(`${url}${ready}`, child);
    return child;
  } catch (error) {
    await stopped(child);
    throw new Error(`${name} ${args.join(' ')} did not start: ${log}`, { cause: error });
  }
}

async function crashed(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('exit', resolve));
  kill([child.pid ?? 0, ...startedBy(child.pid)]);
  await exited;
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) if (pid > 1) process.kill(pid, 'SIGKILL');
}

/** As Linux tells, thread by thread. */
function startedBy(pid: number | undefined): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const children = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'));
  return children
    .join(' ')
    .split(' ')
    .map(Number)
    .filter((child) => child > 0);
}

/** A port that was free a moment ago: the servers cannot be asked which one they took. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const end = Date.now() + startLimitMs;
  while (Date.now() < end && child.exitCode === null) {
    const response = await fetch(url).catch(() => undefined);
    await response?.arrayBuffer();
    if (response?.ok === true) return;
    // Another process starts: nothing in this one can tell when.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(child.exitCode === null ? `no answer within ${startLimitMs} ms` : `exit code ${child.exitCode}`);
}

async function ended(child: ChildProcess, folder: string): Promise<void> {
  await stopped(child);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exited;
  clearTimeout(hard);
}
