import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { ClientGone, RouterError } from '../errors.ts';
import type { BodyFlow } from '../relay/body-flow.ts';
import type { AnswerSink } from '../upstream/client.ts';

/** A body of which nothing more comes for so long is given up, in milliseconds. */
const IDLE_MS = 60_000;

/**
 * A request's body as it comes, of any size. Fails with `body_timeout` or `ClientGone`. Leaving its block lets go of the
 * body, wherever it is: what still comes is then for others to read.
 */
export class ClientBody implements BodyFlow, Disposable {
  readonly #request: IncomingMessage;
  #sink: AnswerSink | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  get size(): number | undefined {
    const { headers } = this.#request;
    if (headers['transfer-encoding'] !== undefined) return undefined;
    return Number(headers['content-length'] ?? 0);
  }

  read(sink: AnswerSink): void {
    const request = this.#request;
    this.#sink = sink;
    this.#idle = setTimeout(() => this.#tooSlow(), IDLE_MS);
    request.on('data', (bytes: Buffer) => {
      this.#idle?.refresh();
      this.#sink?.data(bytes);
    });
    request.on('end', () => this.#sink?.end());
    request.on('close', () => {
      if (!request.complete) this.#sink?.fail(new ClientGone());
    });
  }

  pause(): void {
    this.#request.pause();
  }

  resume(): void {
    this.#idle?.refresh();
    this.#request.resume();
  }

  /** Reads what still comes and drops it, for so long. Resolves when that was all. */
  async drop(limitMs: number): Promise<void> {
    const request = this.#request;
    this[Symbol.dispose]();
    const limit = AbortSignal.timeout(limitMs);
    if (request.complete || request.closed) return;
    request.resume();
    await once(request, 'close', { signal: limit }).catch(() => {});
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idle);
    this.#sink = undefined;
  }

  #tooSlow(): void {
    // While we read nothing, it is not the client that is slow.
    if (this.#request.isPaused() || this.#request.complete) this.#idle?.refresh();
    else this.#sink?.fail(new RouterError('body_timeout', 'the request body did not arrive'));
  }
}
