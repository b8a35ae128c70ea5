import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startFleet } from '../../src/simulator/fleet.ts';
import { routerBefore, startRouter } from '../support/router.ts';
import type { Json } from '../support/wire.ts';

/** Versions that were seen working; installed once into a cache folder. */
const PACKAGES = ['ollama==0.6.3', 'openai==3.57.0'];
const KINDS = ['ollama', 'llama-server', 'vllm', 'openai'] as const;
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const venv = join(cache, 'nomyo-router', `python-${PACKAGES.join('-').replaceAll('==', '-')}`);

/** A Python with the clients, or why there is none. */
function pythonWithClients(): { python: string } | { missing: string } {
  const python = join(venv, 'bin', 'python');
  try {
    if (!existsSync(join(venv, 'ready'))) {
      execFileSync('python3', ['-m', 'venv', venv]);
      execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES]);
      execFileSync('touch', [join(venv, 'ready')]);
    }
    return { python };
  } catch (error) {
    return {
      missing: `the Python clients cannot be had: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
    };
  }
}

const found = pythonWithClients();
const skip = 'missing' in found ? found.missing : false;
if (skip !== false && process.env['CI'] === 'true') throw new Error(skip);

/** Runs a script beside this file; the JSON of each line that it prints. */
async function printed(script: string, ...args: readonly string[]): Promise<Json[]> {
  const python = 'python' in found ? found.python : '';
  const { stdout } = await promisify(execFile)(python, [join(import.meta.dirname, script), ...args]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('every method of ollama-python for one model answers as without a router, async too', { skip }, async () => {
  const capabilities = ['completion', 'tools', 'insert', 'vision', 'thinking', 'embedding'] as const;
  await using fleet = await startFleet({
    a: { kind: 'ollama', version: '0.33.0', models: [{ name: 'able', capabilities, embeddingLength: 8 }] },
  });
  const { a } = fleet.endpoints;
  await using router = await routerBefore([a]);
  const lines = await printed('methods.py', a.url, router.url, 'able');
  assert.equal(lines.length, 52);
  for (const line of lines) assert.deepEqual(line.router, line.direct, line.method);
  const answers = new Map(lines.map((line) => [line.method, line.router]));
  assert.equal(answers.get('chat').message.role, 'assistant');
  assert.equal(answers.get('chat with a tool').message.tool_calls[0].function.name, 'weather');
  assert.deepEqual(answers.get('embed nothing').embeddings, []);
  assert.deepEqual(answers.get('unknown, embed'), [404, 'model "nobody" not found, try pulling it first']);
  assert.deepEqual(answers.get('invalid, chat, async'), [400, 'invalid model name']);
  assert.equal(answers.get('ps').models[0].name, 'able:latest');
  assert.equal(answers.get('generate, unloading').done_reason, 'unload');
});

test('the official Python clients chat, stream, list and see errors', { skip }, async () => {
  await using fleet = await startFleet(
    Object.fromEntries(KINDS.map((kind) => [kind, { kind, models: [`on-${kind}`] }])),
  );
  const endpoints = Object.values(fleet.endpoints).map(({ url, kind }) => ({ url, kind }));
  await using router = await startRouter({ endpoints });
  const models = KINDS.map((kind) => `on-${kind}`);
  const lines = await printed('talk.py', router.url, ...models);
  const summary = lines.pop();
  for (const [index, line] of lines.entries()) {
    assert.equal(line.model, models[index]);
    assert.equal(line.tokens, 9);
    assert.equal(line.openaiTokens, 9);
    assert.equal(line.chatDone, true);
    assert.equal(line.chatStream, line.chat);
    assert.equal(line.generateStream, line.generate);
    assert.equal(line.openaiStream, line.openai);
    assert.ok(line.chat.length > 9);
  }
  assert.equal(lines.length, KINDS.length);
  assert.equal(summary.listed.length, KINDS.length);
  assert.equal(summary.shown, true);
  assert.deepEqual(summary.unknown, [404, "model 'nobody' not found"]);
  assert.equal(summary.missing, 'model_not_found');
});
