import { ClientGone } from '../../errors.ts';
import { unfetchable } from './unfetchable.ts';

/**
 * Ends work when its time is over or its client leaves. Leaving the block takes back its timer and its listener.
 */
export class Patience implements Disposable {
  readonly #end = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #client: AbortSignal | undefined;
  readonly #leave = () => this.#end.abort(new ClientGone());

  constructor(timeoutMs: number, client: AbortSignal | undefined) {
    const late = unfetchable(`it took longer than ${timeoutMs / 1000} s`);
    this.#timer = setTimeout(() => this.#end.abort(late), timeoutMs);
    this.#client = client;
    client?.addEventListener('abort', this.#leave);
    if (client?.aborted) this.#leave();
  }

  /** Rejects at the end at once, even where the work does not heed its signal, as a host name's lookup cannot. */
  async limit<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.#end;
    signal.throwIfAborted();
    const { promise: ended, reject } = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => reject(signal.reason));
    return await Promise.race([work(signal), ended]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#client?.removeEventListener('abort', this.#leave);
  }
}
