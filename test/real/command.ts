import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realServer } from './servers.ts';

export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The real commands there are: of the same version as the servers, and of a newer one. */
export const COMMANDS = ['ollama', 'ollama-0.32'] as const;

/** Runs a command against a server; what a terminal would redraw is taken out. */
export type Command = (host: string, ...args: readonly string[]) => Promise<Output>;

/** A real `ollama` command. */
export function commandOf(name: (typeof COMMANDS)[number]): Command {
  return (host, ...args) => run(realServer(name), host, args);
}

async function run(program: string, host: string, args: readonly string[]): Promise<Output> {
  const home = await mkdtemp(join(tmpdir(), 'nomyo-home-'));
  const child = spawn(program, args, {
    env: { ...process.env, OLLAMA_HOST: host, HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].on('data', (bytes: Buffer) => (text[name] += bytes.toString('utf8')));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout: plain(text.stdout), stderr: plain(text.stderr) };
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences begin with one
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]|[\u2800-\u28ff]/g, '').replace(/\r/g, '');
}

/** Times pass between two calls, and a spinner leaves blanks. */
export function timeless({ code, stdout, stderr }: Output): Output {
  const passed = /\b(\d+|About a|Less than a) (seconds?|minutes?|hours?) (ago|from now)/g;
  return { code, stdout: stdout.replace(passed, 'some time').replace(/ +\n/g, '\n'), stderr: stderr.trim() };
}
