import { CANCELLED, EndpointFailure } from '../errors.ts';
import type { AnswerPipe } from '../protocols/call.ts';
import type { AnswerSink, UpstreamAnswer } from '../upstream/client.ts';
import { downstreamHeaders, streamHeaders } from './headers.ts';
import type { Reply } from './reply.ts';

/** How long an endpoint may take to end its body when the answer in it is complete. */
const END_PATIENCE_MS = 500;

/**
 * Copies an answer to the client through its pipe, at the pace of the slower side. Resolves when the last byte is handed
 * over. Nothing is sent before there is something to say, so that until then another endpoint can still answer: a failure
 * by then rejects, a later one ends the answer in a way that no client takes for complete, and is what this resolves to.
 */
export function copyAnswer(
  answer: UpstreamAnswer,
  pipe: AnswerPipe,
  reply: Reply,
  { more = false, onFirstPiece }: CopyOptions,
): Promise<EndpointFailure | undefined> {
  return new Promise((resolve, reject) =>
    answer.read(new Copy({ answer, pipe, reply, more, onFirstPiece, resolve, reject })),
  );
}

interface CopyOptions {
  /** Another answer follows in the same reply. */
  readonly more?: boolean;
  /** Told when the first piece of a streamed answer has come. */
  readonly onFirstPiece?: (() => void) | undefined;
}

interface Parts extends Required<CopyOptions> {
  readonly answer: UpstreamAnswer;
  readonly pipe: AnswerPipe;
  readonly reply: Reply;
  readonly resolve: (broken: EndpointFailure | undefined) => void;
  readonly reject: (error: unknown) => void;
}

class Copy implements AnswerSink {
  readonly #answer: UpstreamAnswer;
  readonly #pipe: AnswerPipe;
  readonly #reply: Reply;
  readonly #more: boolean;
  #onFirstPiece: (() => void) | undefined;
  readonly #resolve: (broken: EndpointFailure | undefined) => void;
  readonly #reject: (error: unknown) => void;
  #begun = false;
  #over = false;
  #patience: NodeJS.Timeout | undefined;

  constructor({ answer, pipe, reply, more, onFirstPiece, resolve, reject }: Parts) {
    this.#answer = answer;
    this.#pipe = pipe;
    this.#reply = reply;
    this.#more = more;
    this.#onFirstPiece = onFirstPiece;
    this.#resolve = resolve;
    this.#reject = reject;
    reply.isWhole = !pipe.streaming;
  }

  data(bytes: Buffer): void {
    if (this.#over) return;
    try {
      this.#send(this.#pipe.push(bytes));
      if (this.#onFirstPiece !== undefined && this.#pipe.pieces > 0) this.#noteFirstPiece(this.#onFirstPiece);
      if (this.#pipe.isOver) this.#awaitEnd();
    } catch (error) {
      this.fail(error);
    }
  }

  end(): void {
    if (this.#over) return;
    try {
      this.#sendLast(this.#pipe.end());
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    if (this.#over) return;
    const isMidAnswer = this.#reply.spoken;
    if (isMidAnswer && error instanceof EndpointFailure)
      this.#breakOff(error, `the answer broke off: ${error.message}`);
    else if (isMidAnswer && this.#reply.cancelled) this.#breakOff(undefined, CANCELLED);
    else this.#abandon(error);
  }

  #noteFirstPiece(tell: () => void): void {
    this.#onFirstPiece = undefined;
    tell();
  }

  /** An endpoint that goes on sending after its answer keeps neither the client nor the slot. */
  #awaitEnd(): void {
    this.#patience ??= setTimeout(() => this.end(), END_PATIENCE_MS);
  }

  #send(out: Buffer): void {
    if (out.length === 0) return;
    this.#start();
    if (this.#reply.write(out)) return;
    this.#answer.pause();
    this.#reply.onceDrained(() => this.#answer.resume());
  }

  #sendLast(rest: Buffer): void {
    if (this.#more) this.#send(rest);
    else {
      this.#start(rest.length);
      this.#reply.end(rest);
    }
    this.#finish();
  }

  /** The head may be out already, with a stream's first sign of life. */
  #start(length?: number): void {
    if (this.#begun) return;
    this.#begun = true;
    if (!this.#reply.started) this.#reply.start(this.#answer.status, this.#head(), length);
    else if (!this.#pipe.streaming) throw new EndpointFailure('invalid', 'did not stream its answer');
  }

  #breakOff(error: EndpointFailure | undefined, message: string): void {
    const last = this.#pipe.fail(message);
    if (last === undefined) this.#reply.cut();
    else this.#reply.end(last);
    this.#finish(error);
  }

  #abandon(error: unknown): void {
    this.#leave();
    this.#reply.isWhole = false;
    this.#reject(error);
  }

  #finish(broken?: EndpointFailure): void {
    this.#leave();
    this.#resolve(broken);
  }

  #leave(): void {
    this.#over = true;
    clearTimeout(this.#patience);
  }

  #head(): string[] {
    const head = downstreamHeaders(this.#answer.headers, this.#pipe.contentType);
    return this.#pipe.streaming ? streamHeaders(head) : head;
  }
}
