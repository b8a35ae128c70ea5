import type { Timings, TokenUsage } from './answer.ts';
import type { Endpoint } from './endpoint.ts';
import type { ListedModel } from './model.ts';

/** How a request ended, by whose turn it was. `rejected`: the router has no endpoint or no room for it now. */
export type Outcome = 'ok' | 'client_error' | 'upstream_error' | 'router_error' | 'rejected' | 'cancelled';

/**
 * Why an endpoint got a request: it alone has the model, or is left after failed tries; the model is in memory there and a
 * slot is free; a slot is free there; all are busy, there least.
 */
export type RouteReason = 'only_endpoint' | 'loaded_free_slot' | 'free_slot' | 'all_busy';

/** An endpoint that could have got the request, at the moment of the decision. */
export interface Considered {
  readonly endpoint: string;
  readonly loaded: boolean;
  readonly inFlight: number;
  readonly slots: number;
}

/** Where a request was sent, and why there. */
export interface Decision {
  readonly endpoint: Endpoint;
  /** As the endpoint lists it. */
  readonly model: string;
  readonly reason: RouteReason;
  /** Whether the model was in memory there: else the request waited for a load. */
  readonly loaded: boolean;
  /** Empty where there was no choice. */
  readonly considered: readonly Considered[];
  /** Milliseconds after the request was received. */
  readonly atMs: number;
}

/** A choice as it was made. */
interface Placed extends Pick<Decision, 'endpoint' | 'reason' | 'considered'> {
  readonly model: Pick<ListedModel, 'id' | 'loaded'>;
}

/** An endpoint that was tried in vain, and what came of it. */
export interface FailedTry {
  readonly endpoint: Endpoint;
  /** In one word, as errors.ts has them. */
  readonly kind: string;
  readonly message: string;
}

/** Tokens of a request; what no endpoint counted is estimated. */
export interface CountedTokens extends TokenUsage {
  /** Whether the prompt tokens are the router's estimate. */
  readonly promptEstimated: boolean;
  /** Whether the completion tokens are the pieces of the answer that reached the router. */
  readonly completionEstimated: boolean;
}

/** Who asked. Names no person: the address of the connection, and the program as it calls itself. */
export interface Client {
  readonly address: string;
  /** The first word of `User-Agent`, as `ollama-js/0.6.4`; empty where there is none. */
  readonly agent: string;
  /** The name of the client's key, `router` for the router's own; undefined where no key is needed. */
  readonly key: string | undefined;
}

/** Which requests are wanted; what is absent does not matter. */
export interface RequestFilter {
  /** As the client spells it, or as the endpoint lists it. */
  readonly model?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly outcome?: string | undefined;
  readonly client?: string | undefined;
  /** Only those received before this time, in milliseconds since the epoch. */
  readonly before?: number | undefined;
}

/** What a record is begun with. */
export interface Received {
  readonly id: string;
  readonly method: string;
  /** The path as it came, without keys. */
  readonly path: string;
  readonly client: Client;
  /** W3C trace context as the client sent it. */
  readonly traceparent: string | undefined;
}

/**
 * What happens to one request of a client: filled in along the line, read by logs, metrics, traces and whoever asks for it.
 * Holds nothing of prompts and answers. Times are milliseconds after the request was received, unless they say otherwise.
 */
export class RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly client: Client;
  readonly traceparent: string | undefined;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The path of the route it was matched to; undefined where there is none. */
  route: string | undefined;
  /** As the client spells it. */
  model: string | undefined;
  streaming = false;
  decision: Decision | undefined;
  readonly failedTries: FailedTry[] = [];
  /** When the first piece of a streamed answer came from the endpoint: the time to the first token. */
  firstPieceMs: number | undefined;
  /** As the endpoint says. */
  timings: Timings | undefined;
  /** Undefined where none were spent, or nobody knows. For an answer in several parts, their sum. */
  tokens: CountedTokens | undefined;
  /** What went wrong, in the router's code where there is one. */
  error: { readonly code: string | undefined; readonly message: string } | undefined;
  /** What the client was answered with; 499 where it left before, 0 while nothing is sent. */
  status = 0;
  /** Undefined while it is under way. */
  outcome: Outcome | undefined;
  totalMs: number | undefined;
  /** Ends the request in place of its client. */
  cancel: (() => void) | undefined;
  readonly #now: () => number;
  readonly #start: number;

  /** `now` gives milliseconds of a monotonic clock. */
  constructor({ id, method, path, client, traceparent }: Received, receivedAt: number, now: () => number) {
    this.id = id;
    this.method = method;
    this.path = path;
    this.client = client;
    this.traceparent = traceparent;
    this.receivedAt = receivedAt;
    this.#now = now;
    this.#start = now();
  }

  /** Milliseconds since it was received. */
  get elapsedMs(): number {
    return this.#now() - this.#start;
  }

  /** How long it waited for its place; for failed tries too. */
  get waitMs(): number | undefined {
    return this.decision?.atMs;
  }

  /** Between two tokens of a streamed answer, on average; undefined for fewer than two. */
  get timePerOutputTokenMs(): number | undefined {
    const { firstPieceMs, totalMs, tokens } = this;
    if (firstPieceMs === undefined || totalMs === undefined || tokens === undefined) return undefined;
    return tokens.completionTokens < 2 ? undefined : (totalMs - firstPieceMs) / (tokens.completionTokens - 1);
  }

  /** How long the model took to load, where the endpoint says so. */
  get loadMs(): number | undefined {
    return this.timings?.loadMs;
  }

  /** It was given its place. */
  placed({ endpoint, model, reason, considered }: Placed): void {
    const { id, loaded } = model;
    this.decision = { endpoint, model: id, loaded, reason, considered, atMs: this.elapsedMs };
  }

  /** An endpoint was tried in vain. */
  tried(failed: FailedTry): void {
    this.failedTries.push(failed);
    this.firstPieceMs = undefined;
  }

  /** Adds the tokens of an answer to those of its earlier parts. */
  addTokens(counted: CountedTokens): void {
    const { tokens } = this;
    this.tokens = {
      promptTokens: (tokens?.promptTokens ?? 0) + counted.promptTokens,
      completionTokens: (tokens?.completionTokens ?? 0) + counted.completionTokens,
      promptEstimated: tokens?.promptEstimated === true || counted.promptEstimated,
      completionEstimated: tokens?.completionEstimated === true || counted.completionEstimated,
    };
  }

  /** It is over: the client has everything, or has left. */
  end(outcome: Outcome, status: number): void {
    this.outcome = outcome;
    this.status = status;
    this.totalMs = this.elapsedMs;
  }
}
