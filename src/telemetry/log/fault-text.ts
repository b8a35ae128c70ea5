import type { Redactor } from './redact.ts';

const MESSAGE_LIMIT = 300;
const FRAMES = 8;
const FRAME_LIMIT = 200;
/** Errors behind an error that are told. */
const DEPTH = 3;

/** What failed, where, and because of what, in one line. Messages may repeat what a client sent: they are cut as such. */
export function faultText(error: unknown, redact: Redactor): string {
  const parts = behind(error).map((each) =>
    each instanceof Error ? headline(each, redact) : redact.saying(nameOf(each), MESSAGE_LIMIT),
  );
  const where = error instanceof Error ? frames(error, redact) : '';
  return `${parts.join(', because of ')}${where}`;
}

function behind(error: unknown): unknown[] {
  const found = [error];
  for (let next = reasonOf(error); next !== undefined && found.length < DEPTH; next = reasonOf(next)) found.push(next);
  return found;
}

/** A failure in leaving a scope hides the one that led there. */
function reasonOf(error: unknown): unknown {
  if (error instanceof SuppressedError) return error.suppressed;
  return error instanceof Error ? error.cause : undefined;
}

function headline({ name, message }: Error, redact: Redactor): string {
  return `${redact.name(String(name), FRAME_LIMIT)}: ${redact.saying(String(message), MESSAGE_LIMIT)}`;
}

function nameOf(thrown: unknown): string {
  return typeof thrown === 'string' ? thrown : Object.prototype.toString.call(thrown);
}

function frames({ message, stack = '' }: Error, redact: Redactor): string {
  const after = stack.indexOf(message) + message.length;
  const lines = stack.slice(after, after + FRAMES * FRAME_LIMIT).split('\n');
  const told = lines.map((line) => line.trim()).filter((line) => line.startsWith('at '));
  return told
    .slice(0, FRAMES)
    .map((line) => ` ${redact.name(line, FRAME_LIMIT)}`)
    .join('');
}
