import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { COMMANDS, commandOf, timeless } from './command.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

const missing = realServersMissing();

for (const name of COMMANDS)
  describe(`the real ${name} command through the router`, { skip: missing ?? false }, () => {
    const ollama = commandOf(name);
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
