import type { AnswerSink, BodySink, StreamedBody } from '../upstream/client.ts';
import type { BodyFlow } from './body-flow.ts';

/**
 * Copies a client's body into many requests, at the pace of the slowest that still takes it: what is held in memory is
 * bounded by what each connection buffers.
 */
export class Tee implements AnswerSink {
  readonly #flow: BodyFlow;
  readonly #onBroken: (error: Error) => void;
  readonly #branches = new Set<Branch>();
  #ended = false;

  /** `onBroken` is told where the body broke off. */
  constructor(flow: BodyFlow, onBroken: (error: Error) => void) {
    this.#flow = flow;
    this.#onBroken = onBroken;
  }

  /** The whole body has been handed on. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The body for one more request; before the first byte is read. */
  branch(): Branch {
    const branch = new Branch(this.#flow.size, () => this.#goOn());
    this.#branches.add(branch);
    return branch;
  }

  /** The request takes no more of the body: nobody waits for it any longer. */
  leave(branch: Branch): void {
    this.#branches.delete(branch);
    this.#goOn();
  }

  data(bytes: Buffer): void {
    for (const branch of this.#branches) branch.write(bytes);
    if (!this.#hasRoom) this.#flow.pause();
  }

  end(): void {
    this.#ended = true;
    for (const branch of this.#branches) branch.end();
  }

  fail(error: Error): void {
    this.#onBroken(error);
  }

  #goOn(): void {
    if (this.#ended) return;
    if (this.#hasRoom) this.#flow.resume();
    else this.#flow.pause();
  }

  /** Somebody takes it, and none is still busy with what came before. */
  get #hasRoom(): boolean {
    return this.#branches.size > 0 && [...this.#branches].every(({ isFull }) => !isFull);
  }
}

/** What one request gets of the body. */
class Branch implements StreamedBody {
  readonly size: number | undefined;
  isFull = false;
  readonly #onRoom: () => void;
  #sink: BodySink | undefined;

  constructor(size: number | undefined, onRoom: () => void) {
    this.size = size;
    this.#onRoom = onRoom;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
  }

  write(bytes: Buffer): void {
    if (this.#sink?.write(bytes) === false) this.isFull = true;
  }

  end(): void {
    this.#sink?.end();
  }

  drained(): void {
    this.isFull = false;
    this.#onRoom();
  }
}
