import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { LineSink } from '../../src/telemetry/log/line-sink.ts';
import { openLog } from '../../src/telemetry/log/open-log.ts';
import { eventually } from '../support/router.ts';

const SINK = new URL('../../src/telemetry/log/line-sink.ts', import.meta.url).href;
/** Far more than a busy machine needs. */
const LIMIT = { timeout: 60_000 };

/** What every child begins with: a sink for its standard error, numbered lines of some 100 bytes, and word from its parent. */
const CHILD = `
  const { LineSink } = await import(${JSON.stringify(SINK)});
  const { once } = await import('node:events');
  const sink = new LineSink(2, (lines) => sink.write('missing ' + lines));
  process.on('exit', () => sink.flushSync());
  let said = 0;
  const say = () => sink.write(said++ + ' ' + 'x'.repeat(90));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const sayMany = async (count) => { for (let n = 0; n < count; n++) { say(); if (n % 200 === 0) await turn(); } };
  const told = async (words) => { console.log(words); await once(process.stdin, 'data'); process.stdin.unref(); };
`;

function startChild(context: TestContext, program: string, stderr: number | 'pipe'): ChildProcess {
  const args = ['--input-type=module', '--eval', CHILD + program];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', stderr] });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

/** What the child says on its standard output next. */
async function wordOf({ stdout }: ChildProcess): Promise<string> {
  assert.ok(stdout !== null);
  const [data] = await once(stdout, 'data');
  return String(data);
}

/** A file in a folder that is gone after the test. */
function tempFile(context: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'log-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return path.join(folder, 'log');
}

/** A pipe that nobody reads yet. */
function openPipe(context: TestContext): { readonly reading: number; readonly writing: number } {
  const file = tempFile(context);
  execFileSync('sh', ['-c', 'mkfifo "$0"', file]);
  const reading = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reading, writing: openSync(file, constants.O_WRONLY) };
}

function read(fd: number): Promise<string> {
  return text(new Socket({ fd, readable: true, writable: false }));
}

function linesIn(said: string): string[] {
  return said.trimEnd().split('\n');
}

/** The number after the last line, where lines come in order and each gap is told in its place. */
function follow(said: string): number {
  let next = 0;
  for (const line of linesIn(said)) {
    if (line.startsWith('missing ')) next += Number(line.slice(8));
    else assert.equal(line, `${next++} ${'x'.repeat(90)}`);
  }
  return next;
}

const ENDS = {
  'comes to its end': '',
  exits: 'process.exit(0);',
  'exits in the middle of a write': 'setTimeout(() => process.exit(0), 20);',
  crashes: `process.on('uncaughtException', () => process.exit(0)); throw new Error('crash');`,
};

for (const [how, end] of Object.entries(ENDS)) {
  const program = `for (let n = 0; n < 10_000; n++) say(); ${end}`;

  test(`a process that ${how} has written all its lines in order to a file`, LIMIT, async (context) => {
    const file = tempFile(context);
    const writing = openSync(file, 'w');
    const child = startChild(context, program, writing);
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    closeSync(writing);
    assert.equal(follow(readFileSync(file, 'utf8')), 10_000);
    assert.equal(linesIn(readFileSync(file, 'utf8')).length, 10_000);
  });

  test(`a process that ${how} has written all its lines in order to a pipe`, LIMIT, async (context) => {
    const { reading, writing } = openPipe(context);
    const child = startChild(context, program, writing);
    closeSync(writing);
    const [said, [code]] = await Promise.all([read(reading), once(child, 'exit')]);
    assert.equal(code, 0);
    assert.equal(follow(said), 10_000);
    assert.equal(linesIn(said).length, 10_000);
  });

  test(`a process that ${how} has written all its lines in order to a socket`, LIMIT, async (context) => {
    const child = startChild(context, program, 'pipe');
    assert.ok(child.stderr !== null);
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    assert.equal(code, 0);
    assert.equal(linesIn(said).length, 10_000);
  });
}

for (const how of ['comes to its end', 'exits'] as const) {
  test(`a pipe that nobody reads stops no process, and none that ${how}`, LIMIT, async (context) => {
    const { reading, writing } = openPipe(context);
    const child = startChild(
      context,
      `await sayMany(30_000);
       await told(sink.dropped + ' ' + process.memoryUsage().arrayBuffers);
       ${ENDS[how]}`,
      writing,
    );
    const [dropped = 0, held = 0] = (await wordOf(child)).split(' ').map(Number);
    assert.ok(dropped > 10_000 && dropped < 25_000, `dropped ${dropped}`);
    assert.ok(held < 3 * 1024 * 1024, `holds ${held}`);
    child.stdin?.end('go');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    closeSync(writing);
    closeSync(reading);
  });
}

test('what is missing is told where it is missing, when somebody reads again', LIMIT, async (context) => {
  const { reading, writing } = openPipe(context);
  const child = startChild(context, `await sayMany(20_000); await told('full'); await sayMany(50_000);`, writing);
  closeSync(writing);
  await wordOf(child);
  const all = read(reading);
  child.stdin?.end('go');
  const said = await all;
  assert.equal(follow(said), 70_000);
  assert.match(said, /^missing \d{3,}$/m);
});

test('a process whose log is closed goes on and counts what nobody got', LIMIT, async (context) => {
  const child = startChild(
    context,
    `await told('here');
     while (sink.dropped < 1_000) { say(); await turn(); }
     console.log('there');`,
    'pipe',
  );
  await wordOf(child);
  child.stderr?.destroy();
  child.stdin?.end('go');
  assert.equal(await wordOf(child), 'there\n');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a descriptor that takes nothing is tried again only for another line', LIMIT, async (context) => {
  const file = tempFile(context);
  writeFileSync(file, '');
  const reading = openSync(file, 'r');
  context.after(() => closeSync(reading));
  const told: number[] = [];
  const sink = new LineSink(reading, (lines) => told.push(lines));
  for (const line of ['a', 'b', 'c']) sink.write(line);
  await eventually(() => sink.dropped === 3);
  assert.deepEqual(told, []);
  sink.write('d');
  assert.deepEqual(told, [3]);
  await eventually(() => sink.dropped === 4);
  sink.write('e');
  sink.flushSync();
  assert.deepEqual(told, [3, 1]);
});

test('lines are written without being asked for, and more than once', LIMIT, async (context) => {
  const file = tempFile(context);
  const writing = openSync(file, 'a');
  context.after(() => closeSync(writing));
  const sink = new LineSink(writing, () => {});
  for (const line of ['→ one', 'two', 'three']) {
    sink.write(line);
    await eventually(() => readFileSync(file, 'utf8').endsWith(`${line}\n`));
  }
  assert.equal(readFileSync(file, 'utf8'), '→ one\ntwo\nthree\n');
  assert.equal(sink.dropped, 0);
  sink.write('y'.repeat(70_000));
  assert.equal(sink.dropped, 1);
});

test('a log says in its own words how many lines are missing', LIMIT, (context) => {
  const file = tempFile(context);
  const writing = openSync(file, 'a');
  context.after(() => closeSync(writing));
  const { log, sink } = openLog(writing, { level: 'info', format: 'json', now: () => 0 });
  for (let n = 0; n < 20_000; n++) log.told('info', `${n} ${'x'.repeat(100)}`);
  sink.flushSync();
  const lines = linesIn(readFileSync(file, 'utf8')).map((line) => JSON.parse(line));
  const last = lines.pop();
  assert.equal(lines.length + sink.dropped, 20_000);
  assert.deepEqual(
    lines.map(({ msg }) => Number.parseInt(msg, 10)),
    Array.from(lines.keys()),
  );
  const msg = `${sink.dropped} lines are missing from this log: nobody took them in time`;
  assert.deepEqual(last, { ts: '1970-01-01T00:00:00.000Z', level: 'warn', msg });
});
