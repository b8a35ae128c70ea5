import { EndpointFailure } from '../errors.ts';
import type { Exchange, UpstreamClient, UpstreamRequest } from './client.ts';
import { type Home, Http1Exchange, type Target } from './http1-exchange.ts';
import { WriteBatch } from './write-batch.ts';

/** How long an idle connection is kept: below the 5 s after which node servers close theirs. */
const IDLE_MS = 4_000;
const READ_BYTES = 64 * 1024;

/** The client of endpoints: HTTP/1.1 with pooled connections, written for the cost of one streamed chunk. */
export class Http1Client implements UpstreamClient {
  readonly #targets = new Map<string, Target>();
  readonly #exchanges = new Set<Http1Exchange>();
  readonly #home: Home;
  /** One timer for all idle connections: setting one for each would cost every request. */
  readonly #sweep = setInterval(() => this.#closeIdle(), IDLE_MS / 4).unref();
  #closed = false;

  /** Requests leave with `batch`. */
  constructor(batch: WriteBatch = new WriteBatch()) {
    this.#home = {
      // What any connection reads lands here: a buffer of its own for each read would be most of the garbage.
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      batch,
      target: (base) => this.#target(base),
      done: (exchange) => this.#exchanges.delete(exchange),
    };
  }

  open(request: UpstreamRequest): Exchange {
    const exchange = new Http1Exchange(request, this.#home);
    this.#exchanges.add(exchange);
    if (this.#closed) exchange.abort();
    else exchange.start(false);
    return exchange;
  }

  close(): void {
    this.#closed = true;
    for (const exchange of this.#exchanges) exchange.abort();
    for (const { idle } of this.#targets.values()) for (const { connection } of idle.splice(0)) connection.close();
    clearInterval(this.#sweep);
  }

  #closeIdle(): void {
    const old = Date.now() - IDLE_MS;
    for (const { idle } of this.#targets.values()) {
      const used = idle.findIndex(({ since }) => since > old);
      for (const { connection } of idle.splice(0, used === -1 ? idle.length : used)) connection.close();
    }
  }

  #target(base: string): Target {
    const known = this.#targets.get(base);
    if (known !== undefined) return known;
    const url = new URL(base);
    if (!/^https?:$/.test(url.protocol)) throw new EndpointFailure('unreachable', 'has an address that is no URL');
    const secure = url.protocol === 'https:';
    const target: Target = {
      secure,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (secure ? 443 : 80),
      authority: url.host,
      prefix: url.pathname.replace(/\/+$/, ''),
      idle: [],
    };
    this.#targets.set(base, target);
    return target;
  }
}
