import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A router that says what it was given, and ends with 7 when it is told to stop. */
const MAIN = `const words: string[] = process.argv.slice(2);
process.on('SIGTERM', () => process.exit(7));
process.on('SIGINT', () => process.exit(8));
console.log(JSON.stringify({ words, major: Number(process.versions.node.split('.')[0]) }));
if (words[0] === 'wait') setInterval(() => {}, 1000);
if (words[0] === 'die') process.kill(process.pid, 'SIGKILL');
else if (words[0] !== 'wait') process.exitCode = 5;
`;

/** A Node before 24 on this machine, outside this repository; the launcher's hand-over cannot be seen without one. */
function findOldNode(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(':')) {
    const node = join(resolve(folder), 'node');
    try {
      if (Number(execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'])) < 24) return node;
    } catch {
      // No node in this folder.
    }
  }
  return undefined;
}

const oldNode = findOldNode();
const skip = oldNode === undefined ? 'no Node before 24 on this machine' : false;
let folder = '';
let launcher = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'nomyo-launcher-'));
  launcher = join(folder, 'bin/nomyo-router.js');
  for (const name of ['bin', 'src']) mkdirSync(join(folder, name));
  cpSync(join(ROOT, 'bin/nomyo-router.js'), launcher);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'src/main.ts'), MAIN);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
after(() => rmSync(folder, { recursive: true }));

function start(node: string, words: readonly string[], script = launcher): ChildProcess {
  return spawn(node, [script, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function textOf(child: ChildProcess, name: 'stdout' | 'stderr'): Promise<string> {
  let text = '';
  for await (const piece of child[name] ?? []) text += piece;
  return text;
}

async function endOf(child: ChildProcess): Promise<unknown[]> {
  return child.exitCode === null && child.signalCode === null
    ? once(child, 'exit')
    : [child.exitCode, child.signalCode];
}

for (const [what, node] of [
  ['this Node', process.execPath],
  ['an older Node', oldNode],
] as const) {
  test(`the launcher under ${what} runs the router with its arguments and exit code`, {
    skip: node ? false : skip,
  }, async () => {
    const child = start(node ?? '', ['--port', '1', 'a b', '']);
    const [out, end] = await Promise.all([textOf(child, 'stdout'), endOf(child)]);
    assert.deepEqual(JSON.parse(out), { words: ['--port', '1', 'a b', ''], major: 24 });
    assert.deepEqual(end, [5, null]);
  });

  for (const [signal, code] of [
    ['SIGTERM', 7],
    ['SIGINT', 8],
  ] as const) {
    test(`the launcher under ${what} passes ${signal} on`, { skip: node ? false : skip }, async () => {
      const child = start(node ?? '', ['wait']);
      if (child.stdout) await once(child.stdout, 'data');
      child.kill(signal);
      assert.deepEqual(await endOf(child), [code, null]);
    });
  }

  test(`the launcher under ${what} ends by the signal that ended the router`, {
    skip: node ? false : skip,
  }, async () => {
    assert.deepEqual(await endOf(start(node ?? '', ['die'])), [null, 'SIGKILL']);
  });
}

test('an older Node without the one from npm install is one plain message', { skip }, async () => {
  const lonely = join(folder, 'lonely/bin/nomyo-router.js');
  mkdirSync(dirname(lonely), { recursive: true });
  cpSync(launcher, lonely);
  const child = start(oldNode ?? '', [], lonely);
  const [text, end] = await Promise.all([textOf(child, 'stderr'), endOf(child)]);
  assert.match(
    text,
    /^nomyo-router needs Node 24 or newer; this is 2\d\.\d+\.\d+\. Install it, or run "npm install".*\n$/,
  );
  assert.deepEqual(end, [2, null]);
});
