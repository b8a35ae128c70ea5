import { EndpointFailure } from '../errors.ts';
import type { AnswerPipe } from '../protocols/call.ts';
import { type AnswerSink, headerOf, type UpstreamAnswer } from '../upstream/client.ts';
import { downstreamHeaders } from './headers.ts';
import type { Reply } from './reply.ts';

/** Keep proxies between router and client from holding a stream back. */
const STREAM_HEADERS = ['Cache-Control', 'no-cache, no-transform', 'X-Accel-Buffering', 'no'];

/**
 * Copies an answer to the client through its pipe, at the pace of the slower side. Resolves when the last byte is handed
 * over. Nothing is sent before there is something to say, so that until then another endpoint can still answer: a failure
 * by then rejects, a later one ends the answer in a way that no client takes for complete.
 */
export function copyAnswer(answer: UpstreamAnswer, pipe: AnswerPipe, reply: Reply): Promise<void> {
  return new Promise((resolve, reject) => answer.read(new Copy(answer, pipe, reply, resolve, reject)));
}

class Copy implements AnswerSink {
  readonly #answer: UpstreamAnswer;
  readonly #pipe: AnswerPipe;
  readonly #reply: Reply;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #over = false;

  constructor(
    answer: UpstreamAnswer,
    pipe: AnswerPipe,
    reply: Reply,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#answer = answer;
    this.#pipe = pipe;
    this.#reply = reply;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  data(bytes: Buffer): void {
    if (this.#over) return;
    const out = this.#attempt(() => this.#pipe.push(bytes));
    if (out === undefined || out.length === 0) return;
    if (!this.#reply.started) this.#reply.start(this.#answer.status, this.#head());
    if (this.#reply.write(out)) return;
    this.#answer.pause();
    this.#reply.onceDrained(() => this.#answer.resume());
  }

  end(): void {
    if (this.#over) return;
    const rest = this.#attempt(() => this.#pipe.end());
    if (rest === undefined) return;
    if (!this.#reply.started) this.#reply.start(this.#answer.status, this.#head(), rest.length);
    this.#reply.end(rest);
    this.#finish();
  }

  fail(error: Error): void {
    if (this.#over) return;
    if (!this.#reply.started || !(error instanceof EndpointFailure)) this.#abandon(error);
    else this.#breakOff(error);
  }

  /** The step's bytes, or undefined where it found the answer to be senseless. */
  #attempt(step: () => Buffer): Buffer | undefined {
    try {
      return step();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  #breakOff(error: EndpointFailure): void {
    const last = this.#pipe.fail(`the answer broke off: ${error.message}`);
    if (last === undefined) this.#reply.cut();
    else this.#reply.end(last);
    this.#finish();
  }

  #abandon(error: unknown): void {
    this.#over = true;
    this.#reject(error);
  }

  #finish(): void {
    this.#over = true;
    this.#resolve();
  }

  #head(): string[] {
    const { headers } = this.#answer;
    const head = downstreamHeaders(headers, this.#pipe.contentType);
    const type = this.#pipe.contentType ?? headerOf(headers, 'content-type') ?? '';
    if (type.startsWith('text/event-stream') || type.startsWith('application/x-ndjson')) head.push(...STREAM_HEADERS);
    return head;
  }
}
