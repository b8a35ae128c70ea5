import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
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
}

/** How a real llama-server is started. */
export interface RealLlamaOptions {
  /** Slots; 1 by default. */
  readonly parallel?: number;
  /** More arguments, e.g. `--api-key`, `x`. */
  readonly args?: readonly string[];
  /** The one model's name (`tiny` by default); or, as a list, the models of a router. */
  readonly models?: string | readonly string[];
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

/** Ollama with one model, `tiny`: made anew, or the same as a twin's to the digest, as if both had pulled it. */
export async function startRealOllama(twin?: RealServer): Promise<RealServer> {
  const server = await started('ollama', ({ port, folder }) => {
    const models = join(folder, 'models');
    if (twin !== undefined) cpSync(join(twin.folder, 'models'), models, { recursive: true });
    return {
      args: ['serve'],
      env: { OLLAMA_HOST: `127.0.0.1:${port}`, OLLAMA_MODELS: models, HOME: folder },
      ready: '/api/version',
    };
  });
  if (twin === undefined) await createTiny(server.url);
  return server;
}

/** llama-server with one model, or with several and none loaded. */
export async function startRealLlamaServer(options: RealLlamaOptions = {}): Promise<RealServer> {
  const models = options.models ?? 'tiny';
  return started('llama-server', ({ port, folder }) => {
    const source =
      typeof models === 'string' ? ['-m', fixture, '--alias', models] : ['--models-dir', modelsDir(folder, models)];
    const common = ['--port', String(port), '--parallel', String(options.parallel ?? 1), '--no-webui'];
    return { args: [...source, ...common, ...(options.args ?? [])], env: { HOME: folder }, ready: '/health' };
  });
}

function modelsDir(folder: string, names: readonly string[]): string {
  const path = join(folder, 'gguf');
  mkdirSync(path);
  for (const name of names) copyFileSync(fixture, join(path, `${name}.gguf`));
  return path;
}

/** By HTTP, as `ollama create` does it: the file as a blob, then the model. */
async function createTiny(url: string): Promise<void> {
  const bytes = await readFile(fixture);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await expectOk(fetch(`${url}/api/blobs/${digest}`, { method: 'POST', body: bytes }));
  // Left alone it babbles on past its context, now and then for minutes.
  const parameters = { num_predict: 64 };
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
  const { args, env, ready } = launch({ port, folder });
  const child = spawn(realServer(name), args, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-4000);
  });
  const url = `http://127.0.0.1:${port}`;
  const server = { url, folder, [Symbol.asyncDispose]: () => ended(child, folder) };
  try {
    await untilReady(`${url}${ready}`, child);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw new Error(`${name} ${args.join(' ')} did not start: ${log}`, { cause: error });
  }
  return server;
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
  if (child.exitCode === null && child.signalCode === null) {
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(hard);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
