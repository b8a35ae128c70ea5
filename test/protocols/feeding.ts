import assert from 'node:assert/strict';
import { EndpointFailure } from '../../src/errors.ts';
import type { AnswerPipe } from '../../src/protocols/call.ts';

/** What a client has at the end: the bytes it was sent, or the error in place of an answer. */
export interface Outcome {
  readonly text: string;
  readonly error: Error | undefined;
}

/** Overwrites what was pushed, as the client does that reads every connection into one buffer. */
const SCRIBBLE = 0x58;

/**
 * Feeds an answer to a pipe as the line does: every read lies in one buffer that is overwritten as soon as the pipe has
 * returned; a failure after the first byte ends the answer with what the pipe says of it.
 */
export function feed(pipe: AnswerPipe, reads: readonly Buffer[], ending: 'end' | 'break' = 'end'): Outcome {
  const shared = Buffer.alloc(Math.max(1, ...reads.map((read) => read.length)));
  const sent: Buffer[] = [];
  const last = ending === 'end' ? () => pipe.end() : () => breakOff(pipe, sent, new EndpointFailure('broken', 'lost'));
  try {
    for (const read of reads) {
      read.copy(shared);
      const out = pipe.push(shared.subarray(0, read.length));
      sent.push(Buffer.from(out));
      shared.fill(SCRIBBLE);
    }
    sent.push(Buffer.from(last()));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!(error instanceof EndpointFailure) || isSilent(sent)) return { text: textOf(sent), error };
    sent.push(breakOff(pipe, sent, error));
  }
  return { text: textOf(sent), error: undefined };
}

function breakOff(pipe: AnswerPipe, sent: readonly Buffer[], error: EndpointFailure): Buffer {
  if (isSilent(sent)) throw error;
  return Buffer.from(pipe.fail(`the answer broke off: ${error.message}`) ?? '(cut)');
}

function isSilent(sent: readonly Buffer[]): boolean {
  return sent.every((piece) => piece.length === 0);
}

/** Latin-1 stands for bytes, so that a broken character cannot hide. */
function textOf(sent: readonly Buffer[]): string {
  return Buffer.concat(sent).toString('latin1');
}

/** The reads that make up these bytes: in one piece, byte by byte, and cut in two at every place. */
export function* everyCut(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  yield Array.from(bytes, (byte) => Buffer.from([byte]));
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
}

/** Feeds the bytes in every cut and asserts that all give the same; returns that. `mask` hides what time changes. */
export function feedEveryWay(
  pipe: () => AnswerPipe,
  input: string | Buffer,
  ending: 'end' | 'break' = 'end',
  mask: (text: string) => string = (text) => text,
): Outcome {
  const bytes = Buffer.from(input);
  let first: Outcome | undefined;
  for (const reads of everyCut(bytes)) {
    const found = feed(pipe(), reads, ending);
    const outcome = { ...found, text: mask(found.text) };
    first ??= outcome;
    assert.equal(outcome.text, first.text, `cut after ${reads[0]?.length} bytes`);
    assert.equal(String(outcome.error), String(first.error), `cut after ${reads[0]?.length} bytes`);
  }
  return first ?? { text: '', error: undefined };
}

/** The text of UTF-8 bytes as `Outcome` shows it. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}
