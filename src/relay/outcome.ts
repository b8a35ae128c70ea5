import type { Endpoint } from '../domain/endpoint.ts';
import { EndpointFailure, failureCode, Refusal, RouterError } from '../errors.ts';
import type { Line } from './line.ts';

interface Failure {
  readonly endpoint: Endpoint;
  readonly error: Refusal | EndpointFailure;
}

/** How a request that goes to many endpoints ended on each of them. */
export class Outcome {
  readonly succeeded: Endpoint[] = [];
  readonly #failures: Failure[] = [];
  readonly #line: Line;

  constructor(line: Line) {
    this.#line = line;
  }

  get hasFailures(): boolean {
    return this.#failures.length > 0;
  }

  /** Notes what one endpoint did wrong; throws what is not its doing. */
  failed(endpoint: Endpoint, error: unknown): void {
    if (!(error instanceof Refusal) && !(error instanceof EndpointFailure)) throw error;
    this.#failures.push({ endpoint, error });
    if (error instanceof EndpointFailure) this.#line.failed(endpoint, error);
  }

  /** Which endpoint failed and why, and which did not; only the endpoints' words where all of them said the same. */
  get words(): string {
    const unanimous = this.#unanimous;
    if (unanimous !== undefined) return unanimous.message;
    const failures = this.#failures.map(({ endpoint, error }) => `${endpoint.name}: ${error.message}`).join('; ');
    const names = this.succeeded.map(({ name }) => name).join(', ');
    return names === '' ? failures : `${failures} (succeeded on: ${names})`;
  }

  /** The failures as one, with the worst of their statuses. */
  get error(): Refusal | RouterError {
    const unanimous = this.#unanimous;
    if (unanimous !== undefined) return unanimous;
    const worst = this.#failures.toSorted((a, b) => statusOf(b.error) - statusOf(a.error))[0]?.error;
    if (worst instanceof Refusal) return new Refusal(worst.status, this.words);
    const code = worst === undefined ? 'upstream_unreachable' : failureCode(worst);
    return new RouterError(code, this.words, { cause: worst });
  }

  /** The refusal that every endpoint answered with, word for word: then it is as if there were only one. */
  get #unanimous(): Refusal | undefined {
    const first = this.#failures[0]?.error;
    if (!(first instanceof Refusal) || this.succeeded.length > 0) return undefined;
    const isSame = ({ error }: Failure) =>
      error instanceof Refusal && error.message === first.message && error.status === first.status;
    return this.#failures.every(isSame) ? first : undefined;
  }
}

function statusOf(error: Failure['error']): number {
  if (error instanceof Refusal) return error.status;
  return error.reason === 'timeout' ? 504 : 502;
}
