import { type AnswerPipe, NOTHING } from '../call.ts';

/** Lets a stream through as it comes and does not look at it; one that breaks off can only be cut. */
export class PassingPipe implements AnswerPipe {
  readonly contentType = undefined;
  readonly isOver = false;
  readonly streaming = true;
  readonly usage = undefined;

  push(bytes: Buffer): Buffer {
    return bytes;
  }

  end(): Buffer {
    return NOTHING;
  }

  fail(): undefined {
    return undefined;
  }
}
