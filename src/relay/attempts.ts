import type { Endpoint } from '../domain/endpoint.ts';
import type { Listing } from '../domain/model.ts';
import { EndpointFailure, Refusal, RouterError } from '../errors.ts';
import type { Line } from './line.ts';

/** Refusals that say more of the endpoint than of the request: busy or loading, over its rate, a model just removed. */
const ANOTHER_MAY_ANSWER = new Set([404, 429, 503]);

/** The endpoints that a request has tried in vain, and what each of them said. */
export class Attempts {
  readonly tried = new Set<Endpoint>();
  readonly #line: Line;
  readonly #wanted: string;
  readonly #failures: string[] = [];
  #timedOut = false;
  #last: Refusal | RouterError | undefined;

  /** `wanted` is what errors say that nobody could serve: a model, or a path. */
  constructor(line: Line, wanted: string) {
    this.#line = line;
    this.#wanted = wanted;
  }

  /** Notes an error that another endpoint may be spared; throws any other. */
  failed({ endpoint }: Pick<Listing, 'endpoint'>, error: unknown): void {
    if (error instanceof EndpointFailure) this.#failure(endpoint, error);
    else if (error instanceof Refusal && ANOTHER_MAY_ANSWER.has(error.status)) this.#last = error;
    else if (error instanceof RouterError && (error.code === 'upstream_auth' || error.code === 'unsupported'))
      this.#last = error;
    else throw error;
    this.tried.add(endpoint);
    if (error instanceof Refusal && error.status === 404) void this.#line.probe(endpoint);
  }

  /** No endpoint is left: throws the refusal there was, else a summary of the failures. */
  giveUp(): never {
    if (this.#last !== undefined) throw this.#last;
    const message = `no endpoint could serve '${this.#wanted}': ${this.#failures.join(', ')}`;
    throw new RouterError(this.#timedOut ? 'upstream_timeout' : 'upstream_unreachable', message);
  }

  #failure(endpoint: Endpoint, error: EndpointFailure): void {
    this.#failures.push(`${endpoint.name} ${error.message}`);
    this.#timedOut ||= error.reason === 'timeout';
    if (error.reason === 'unreachable') this.#line.router.catalog.failed(endpoint, error.message, false);
    void this.#line.probe(endpoint);
  }
}
