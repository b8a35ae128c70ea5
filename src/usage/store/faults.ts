import type { Failure } from './messages.ts';

/** The question cannot be answered as it is asked. */
export class BadQuestion extends Error {}

/** SQLite's result codes: https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const READ_ONLY = 8;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const WORDS: Readonly<Record<number, string>> = {
  [BUSY]: 'another process holds its lock',
  [LOCKED]: 'another process holds its lock',
  [READ_ONLY]: 'it is read-only',
  10: 'reading or writing it failed',
  13: 'the disk is full',
  14: 'it cannot be opened',
};

/** Whether the file is no whole database. */
export function isCorrupt(error: unknown): boolean {
  const code = codeOf(error);
  return code === CORRUPT || code === NOT_A_DATABASE;
}

/** Whether the connection can only read: it stays so, even where the file can be written again. */
export function isReadOnly(error: unknown): boolean {
  return codeOf(error) === READ_ONLY;
}

/** What came in the way, for whoever asked. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  const said = error instanceof Error ? error.message : String(error);
  const words = code === undefined ? undefined : WORDS[code];
  const kind = code === BUSY || code === LOCKED ? 'locked' : error instanceof BadQuestion ? 'asked' : 'failed';
  return { kind, message: words === undefined ? said : `${words} (${said})` };
}

/** The primary result code, which the extended one has in its low byte. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}
