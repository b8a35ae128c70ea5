import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { type RealServer, realServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real `ollama` command against a server; what a terminal would redraw is taken out. */
async function ollama(host: string, ...args: string[]): Promise<Output> {
  const home = await mkdtemp(join(tmpdir(), 'nomyo-home-'));
  const child = spawn(realServer('ollama'), args, {
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
function timeless({ code, stdout, stderr }: Output): Output {
  const passed = /\b(\d+|About a|Less than a) (seconds?|minutes?|hours?) (ago|from now)/g;
  return { code, stdout: stdout.replace(passed, 'some time').replace(/ +\n/g, '\n'), stderr: stderr.trim() };
}

const missing = realServersMissing();

describe('the real ollama command through the router', { skip: missing ?? false }, () => {
  let a: RealServer;
  let b: RealServer;
  let llama: RealServer;
  let twins: RunningRouter;
  let mixed: RunningRouter;

  before(async () => {
    a = await startRealOllama();
    [b, llama] = await Promise.all([startRealOllama(a), startRealLlamaServer({ models: 'stories' })]);
    twins = await startRouter({ endpoints: [a.url, b.url] });
    mixed = await startRouter({ endpoints: [a.url, b.url, { url: llama.url, kind: 'llama-server' }] });
  });

  after(async () => {
    for (const part of [twins, mixed, a, b, llama]) await part[Symbol.asyncDispose]();
  });

  for (const args of [
    ['ls'],
    ['show', 'tiny'],
    ['show', 'nothing'],
    ['ps'],
    ['show', '--modelfile', 'tiny'],
    ['show', '-v', 'tiny'],
    ['stop', 'nothing'],
    ['run', 'tiny:cloud:local', 'x'],
    ['signout'],
    ['-v'],
    ['run', 'tiny', ''],
  ]) {
    test(`ollama ${args.join(' ')} says what it says to a single server`, async () => {
      assert.deepEqual(timeless(await ollama(twins.url, ...args)), timeless(await ollama(a.url, ...args)));
    });
  }

  test('run answers, ps shows the model once, stop unloads it on every server', async () => {
    for (const url of [a.url, b.url, twins.url]) {
      const answer = await ollama(url, 'run', 'tiny', 'Once upon a time');
      assert.equal(answer.code, 0, answer.stderr);
      assert.ok(answer.stdout.trim().length > 0, 'it says something');
    }
    await twins.app.probed(10_000);
    assert.deepEqual(timeless(await ollama(twins.url, 'ps')), timeless(await ollama(a.url, 'ps')));
    assert.deepEqual(await ollama(twins.url, 'stop', 'tiny'), { code: 0, stdout: '', stderr: '' });
    for (const url of [a.url, b.url]) assert.equal(rows((await ollama(url, 'ps')).stdout).length, 0, url);
    assert.equal(rows((await ollama(twins.url, 'ps')).stdout).length, 0);
  });

  test('a llama-server beside them is listed, shown, run and stopped as well', async () => {
    assert.match((await ollama(mixed.url, 'ls')).stdout, /^stories:latest /m);
    assert.match((await ollama(mixed.url, 'show', 'stories')).stdout, /architecture +llama/);
    assert.match((await ollama(mixed.url, 'ps')).stdout, /^stories:latest /m);
    const answer = await ollama(mixed.url, 'run', 'stories', 'Once upon a time');
    assert.equal(answer.code, 0, answer.stderr);
    assert.ok(answer.stdout.trim().length > 0, 'it says something');
    assert.equal((await ollama(mixed.url, 'stop', 'stories')).code, 0);
  });
});

function rows(table: string): string[] {
  return table.trimEnd().split('\n').slice(1);
}
