import type { Endpoint } from '../domain/endpoint.ts';
import type { Listing } from '../domain/model.ts';
import { EndpointFailure, type ErrorCode, failureCode, Refusal, RouterError } from '../errors.ts';
import { inabilityIn } from '../protocols/refusals.ts';
import type { Line } from './line.ts';

/** Refusals that say more of the endpoint than of the request: busy or loading, over its rate, a model just removed, not able. */
const ANOTHER_MAY_ANSWER = new Set([404, 429, 501, 503]);

function anotherMayAnswer(refusal: Refusal): boolean {
  return ANOTHER_MAY_ANSWER.has(refusal.status) || lacksModel(refusal);
}

/** llama-server says 400 and 500 of models that it has no more, may not load, or failed to load. */
function lacksModel({ status, message }: Refusal): boolean {
  return inabilityIn(status, message)?.of === 'model';
}

/** This endpoint cannot do it: another kind may. */
const ONLY_HERE: ReadonlySet<ErrorCode> = new Set(['unsupported', 'not_implemented']);

/** The endpoints that a request has tried in vain, and what each of them said. */
export class Attempts {
  readonly tried = new Set<Endpoint>();
  readonly #line: Line;
  readonly #wanted: string;
  readonly #failures: string[] = [];
  #code: ErrorCode = 'upstream_unreachable';
  #refused: Refusal | RouterError | undefined;
  /** Only this kind of endpoint cannot: less of an answer than what another one said or failed to say. */
  #unsupported: RouterError | undefined;

  /** `wanted` is what errors say that nobody could serve: a model, or a path. */
  constructor(line: Line, wanted: string) {
    this.#line = line;
    this.#wanted = wanted;
  }

  /** Notes an error that leaves another endpoint a chance; throws any other. */
  noteOrThrow({ endpoint }: Pick<Listing, 'endpoint'>, error: unknown): void {
    if (error instanceof EndpointFailure) this.#failure(endpoint, error);
    else if (error instanceof Refusal && anotherMayAnswer(error)) this.#refused = error;
    else if (error instanceof RouterError && error.code === 'upstream_auth') this.#refused = error;
    else if (error instanceof RouterError && ONLY_HERE.has(error.code)) this.#unsupported = error;
    else throw error;
    this.tried.add(endpoint);
    if (error instanceof Refusal && (error.status === 404 || lacksModel(error))) void this.#line.probe(endpoint);
  }

  /** No endpoint is left: throws the refusal there was, else a summary of the failures, else why no endpoint can. */
  giveUp(): never {
    if (this.#refused !== undefined) throw this.#refused;
    if (this.#failures.length === 0 && this.#unsupported !== undefined) throw this.#unsupported;
    const message = `no endpoint could serve '${this.#wanted}': ${this.#failures.join(', ')}`;
    throw new RouterError(this.#code, message);
  }

  #failure(endpoint: Endpoint, error: EndpointFailure): void {
    this.#failures.push(`${endpoint.name} ${error.message}`);
    this.#code = failureCode(error);
    this.#line.failed(endpoint, error);
  }
}
