import assert from 'node:assert/strict';
import { EndpointFailure } from '../../src/errors.ts';
import type { AnswerSink, UpstreamAnswer } from '../../src/upstream/client.ts';

/** Reads an answer's body and keeps it, as well as what must not come: anything after the end. */
export class AnswerReader implements AnswerSink {
  /** Resolves with the failure, or with undefined where the answer came in full. */
  readonly ended: Promise<Error | undefined>;
  readonly pieces: Buffer[] = [];
  /** What came after the end. */
  readonly late: string[] = [];
  /** Called with each piece, after it was kept. */
  onData: (bytes: Buffer) => void = () => {};
  #isOver = false;
  #conclude: (error: Error | undefined) => void = () => {};

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#conclude = resolve;
    });
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get text(): string {
    return this.body.toString('latin1');
  }

  /** Resolves when so many bytes have come. */
  async received(length: number): Promise<void> {
    while (this.body.length < length) {
      await new Promise<void>((resolve) => {
        this.onData = () => resolve();
      });
    }
  }

  data(bytes: Buffer): void {
    if (this.#isOver) this.late.push('data');
    this.pieces.push(Buffer.from(bytes));
    this.onData(bytes);
  }

  end(): void {
    this.#over('end', undefined);
  }

  fail(error: Error): void {
    this.#over('fail', error);
  }

  #over(how: string, error: Error | undefined): void {
    if (this.#isOver) this.late.push(how);
    this.#isOver = true;
    this.#conclude(error);
  }
}

/** A reader that reads this answer. */
export function readerOf(answer: UpstreamAnswer): AnswerReader {
  const reader = new AnswerReader();
  answer.read(reader);
  return reader;
}

/** The failure that a promise is rejected with. */
export async function failureOf(waiting: Promise<unknown>): Promise<EndpointFailure> {
  return waiting.then(
    () => assert.fail('there was an answer'),
    (error: unknown) => asFailure(error),
  );
}

export function asFailure(error: unknown): EndpointFailure {
  assert.ok(error instanceof EndpointFailure, `not an EndpointFailure: ${error}`);
  return error;
}
