import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type RunningRouter, startRouter } from '../support/router.ts';
import { COMMANDS, commandOf, type Output, timeless } from './command.ts';
import { type Registry, startRegistry } from './registry.ts';
import { type RealServer, realServersMissing, startRealOllama } from './servers.ts';

const missing = realServersMissing();

/** A model's file in a folder of its own, and a Modelfile that names it. */
async function modelfile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nomyo-create-'));
  copyFileSync(join(import.meta.dirname, '../fixtures/stories260K-syn.gguf'), join(folder, 'x.gguf'));
  writeFileSync(join(folder, 'Modelfile'), 'FROM ./x.gguf\nTEMPLATE "{{ .Prompt }}"\nPARAMETER num_predict 8\n');
  return join(folder, 'Modelfile');
}

/** Every line there was: they are drawn over and over, bars with rates and sizes that differ each time. */
function steps({ code, stdout, stderr }: Output): { code: number | null; lines: string[] } {
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) =>
    line
      .replace(/ *\d+%.*$/, '')
      .replace(/nomyo-ollama-\w+/, 'its folder')
      .trim(),
  );
  return { code, lines: [...new Set(lines)].filter((line) => line !== '') };
}

for (const name of COMMANDS)
  describe(`the real ${name} command manages models through the router`, { skip: missing ?? false }, () => {
    const ollama = commandOf(name);
    let a: RealServer;
    let b: RealServer;
    /** What one server says, in the state of the two. */
    let single: RealServer;
    let registry: Registry;
    let router: RunningRouter;

    before(async () => {
      a = await startRealOllama();
      [b, single] = await Promise.all([startRealOllama(a), startRealOllama(a)]);
      registry = await startRegistry(a);
      router = await startRouter({ endpoints: [a.url, b.url] });
    });

    after(async () => {
      for (const part of [router, registry, a, b, single]) await part[Symbol.asyncDispose]();
    });

    async function same(...args: readonly string[]): Promise<Output> {
      const [through, alone] = [await ollama(router.url, ...args), await ollama(single.url, ...args)];
      assert.deepEqual(steps(through), steps(alone));
      return through;
    }

    async function models(url: string): Promise<string[]> {
      const rows = (await ollama(url, 'ls')).stdout.trimEnd().split('\n').slice(1);
      return rows.map((row) => row.split(' ')[0] ?? '').toSorted();
    }

    async function everywhere(...names: readonly string[]): Promise<void> {
      for (const { url } of [router, a, b, single]) assert.deepEqual(await models(url), names.toSorted(), url);
    }

    test('create uploads the file to both servers and makes the model there, again too', async () => {
      const file = await modelfile();
      for (const time of ['first', 'second']) {
        assert.equal((await same('create', 'mine', '-f', file)).code, 0, time);
        await everywhere('tiny:latest', 'mine:latest');
      }
      const answer = await ollama(router.url, 'run', 'mine', 'Once upon a time');
      assert.equal(answer.code, 0, answer.stderr);
    });

    test('a file of which no server has heard is uploaded to both', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'nomyo-create-'));
      writeFileSync(join(folder, 'x.gguf'), Buffer.alloc(3_000_000, 'no model'));
      writeFileSync(join(folder, 'Modelfile'), 'FROM ./x.gguf\n');
      assert.equal((await same('create', 'broken', '-f', join(folder, 'Modelfile'))).code, 1);
    });

    test('cp and rm reach both servers', async () => {
      assert.equal((await same('cp', 'tiny', 'other')).code, 0);
      await everywhere('tiny:latest', 'mine:latest', 'other:latest');
      assert.equal((await same('rm', 'other')).code, 0);
      assert.equal((await same('rm', 'mine')).code, 0);
      await everywhere('tiny:latest');
    });

    test('what does not exist is neither copied nor removed nor pushed', async () => {
      const pushed = ['push', '--insecure', `${registry.prefix}/nothing`];
      for (const args of [['cp', 'nothing', 'x'], ['rm', 'nothing'], pushed])
        assert.equal((await same(...args)).code, 1, args.join(' '));
    });

    test('pull fetches a model to both servers', async () => {
      const name = `${registry.prefix}/x`;
      assert.equal((await same('pull', '--insecure', name)).code, 0);
      const listed = `${name.slice('http://'.length)}:latest`;
      await everywhere('tiny:latest', listed);
      assert.equal((await same('pull', '--insecure', name)).code, 0, 'again');
      assert.deepEqual(timeless(await ollama(router.url, 'show', listed)).code, 0);
      assert.equal((await same('rm', listed)).code, 0);
    });

    test('pull of what no registry has says so', async () => {
      const { code, stderr } = await same('pull', '--insecure', `${registry.prefix}/none`);
      assert.equal(code, 1);
      assert.match(stderr, /file does not exist/);
    });

    test('a push that the registry refuses is refused', async () => {
      const name = `${registry.prefix}/pushed`;
      assert.equal((await same('cp', 'tiny', name)).code, 0);
      const { code, stderr } = await same('push', '--insecure', name);
      assert.equal(code, 1);
      assert.match(stderr, /Error: .*(denied|403|refused|not do that)/i);
    });
  });
