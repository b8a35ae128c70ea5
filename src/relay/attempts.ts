import type { Endpoint } from '../domain/endpoint.ts';
import type { Listing } from '../domain/model.ts';
import type { RequestRecord } from '../domain/request-record.ts';
import { EndpointFailure, type ErrorCode, errorKind, failureCode, Refusal, RouterError } from '../errors.ts';
import { inabilityIn } from '../protocols/refusals.ts';
import type { Line } from './line.ts';
import type { Reply } from './reply.ts';

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
  readonly #record: RequestRecord;
  readonly #reply: Reply;
  readonly #failures: string[] = [];
  #code: ErrorCode = 'upstream_unreachable';
  #refused: Refusal | RouterError | undefined;
  /** What the client is to be told of who refused, where that is what it gets in the end. */
  #refusedBy: readonly string[] = [];
  /** Only this kind of endpoint cannot: less of an answer than what another one said or failed to say. */
  #unsupported: RouterError | undefined;

  /** `wanted` is what errors say that nobody could serve: a model, or a path. */
  constructor(line: Line, wanted: string, record: RequestRecord, reply: Reply) {
    this.#line = line;
    this.#wanted = wanted;
    this.#record = record;
    this.#reply = reply;
  }

  /** Notes an error that leaves another endpoint a chance; throws any other. */
  noteOrThrow({ endpoint }: Pick<Listing, 'endpoint'>, error: unknown): void {
    if (error instanceof EndpointFailure) this.#failure(endpoint, error);
    else if (error instanceof Refusal && anotherMayAnswer(error)) this.#refusal(error);
    else if (error instanceof RouterError && error.code === 'upstream_auth') this.#refused = error;
    else if (error instanceof RouterError && ONLY_HERE.has(error.code)) this.#unsupported = error;
    else throw error;
    this.tried.add(endpoint);
    this.#record.tried({ endpoint, kind: errorKind(error), message: error.message });
    if (error instanceof Refusal && (error.status === 404 || lacksModel(error))) void this.#line.probe(endpoint);
  }

  /** No endpoint is left: throws the refusal there was, else a summary of the failures, else why no endpoint can. */
  giveUp(): never {
    this.#reply.answeredBy = this.#refusedBy;
    if (this.#refused !== undefined) throw this.#refused;
    if (this.#failures.length === 0 && this.#unsupported !== undefined) throw this.#unsupported;
    const message = `no endpoint could serve '${this.#wanted}': ${this.#failures.join(', ')}`;
    throw new RouterError(this.#code, message);
  }

  #refusal(error: Refusal): void {
    this.#refused = error;
    this.#refusedBy = this.#reply.answeredBy;
  }

  #failure(endpoint: Endpoint, error: EndpointFailure): void {
    this.#failures.push(`${endpoint.name} ${error.message}`);
    this.#code = failureCode(error);
    this.#line.failed(endpoint, error);
  }
}
