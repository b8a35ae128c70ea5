import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ConfigError } from './config-error.ts';

/** Some thousand times the size of a long configuration. */
const MOST_BYTES = 1024 * 1024;

/** The text of the file at a path, without a byte order mark. `label` is what messages call the file. */
export function readText(path: string, label: string): string {
  return decode(readBytes(path, label), label);
}

function readBytes(path: string, label: string): Buffer {
  const file = openSync(path, 'r');
  try {
    // Docker makes an empty folder where a file that is to be mounted does not exist.
    if (fstatSync(file).isDirectory()) throw new ConfigError(`${label} is a folder, not a file`);
    return readAll(file, label);
  } finally {
    closeSync(file);
  }
}

/** Reads up to the limit, whatever size the system reports: a pipe has none. */
function readAll(file: number, label: string): Buffer {
  const buffer = Buffer.alloc(MOST_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const count = readSync(file, buffer, length, buffer.length - length, null);
    if (count === 0) return buffer.subarray(0, length);
    length += count;
  }
  throw new ConfigError(`${label} is larger than 1 MiB, which no configuration is`);
}

function decode(bytes: Buffer, label: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ConfigError(`${label}:${firstBadLine(bytes)}:1 is not UTF-8 text: save the file as UTF-8`, { cause });
  }
}

function firstBadLine(bytes: Buffer): number {
  const lines = bytes.toString('utf8').split('\n');
  return lines.findIndex((line) => line.includes('\uFFFD')) + 1;
}
