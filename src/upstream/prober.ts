import type { Endpoint } from '../domain/endpoint.ts';
import type { Findings } from '../domain/model.ts';
import { EndpointFailure } from '../errors.ts';
import type { Catalog, EndpointState } from '../routing/catalog.ts';
import { askWhatItHas } from './ask-endpoint.ts';
import type { UpstreamClient } from './client.ts';

/** Milliseconds between probes. External services are asked less often than machines next door. */
export interface Pace {
  readonly healthy: number;
  readonly healthyOpenai: number;
  readonly unreachable: number;
  /** How long one question may take. */
  readonly timeout: number;
}

export const DEFAULT_PACE: Pace = { healthy: 2_000, healthyOpenai: 15_000, unreachable: 1_000, timeout: 2_000 };

/** Told what a probe found, and what the one before did. */
type OnFound = (before: Findings | undefined, found: Findings, endpoint: Endpoint) => void;

/** Keeps the catalog true: asks every endpoint again and again what it has. */
export class Prober {
  readonly #client: UpstreamClient;
  readonly #catalog: Catalog;
  readonly #pace: Pace;
  readonly #onChange: (endpoint: Endpoint) => void;
  readonly #onFound: OnFound;
  readonly #stopped = new AbortController();
  readonly #running = new Map<Endpoint, Promise<void>>();
  readonly #next = new Map<Endpoint, NodeJS.Timeout>();
  /** Requests, too, find endpoints unreachable: what `onChange` was told last, not what the catalog said last. */
  readonly #told = new Map<Endpoint, EndpointState['health']>();

  /** `onChange` is told when an endpoint becomes healthy or unreachable, not of each probe; `onFound` is. */
  constructor(
    client: UpstreamClient,
    catalog: Catalog,
    onChange: (endpoint: Endpoint) => void,
    pace: Pace = DEFAULT_PACE,
    onFound: OnFound = () => {},
  ) {
    this.#client = client;
    this.#catalog = catalog;
    this.#onChange = onChange;
    this.#pace = pace;
    this.#onFound = onFound;
  }

  start(): void {
    for (const { endpoint } of this.#catalog.states()) void this.probe(endpoint);
  }

  /** Ends every probe under way; nothing is asked and nothing learnt any more. */
  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#next.values()) clearTimeout(timer);
  }

  /** Asks now; a probe already under way serves everyone who wants one. Never rejects. */
  probe(endpoint: Endpoint): Promise<void> {
    const running = this.#running.get(endpoint);
    if (running !== undefined) return running;
    const probe = this.#ask(endpoint).finally(() => {
      this.#running.delete(endpoint);
      this.#askLater(endpoint);
    });
    this.#running.set(endpoint, probe);
    return probe;
  }

  /** Counted from the last probe, whoever wanted it: one that found the endpoint gone is soon followed by the next. */
  #askLater(endpoint: Endpoint): void {
    clearTimeout(this.#next.get(endpoint));
    if (this.#stopped.signal.aborted) return;
    // Spread over a quarter, so that many endpoints are not all asked in the same millisecond.
    const pause = this.#pauseAfter(endpoint) * (0.875 + Math.random() / 4);
    this.#next.set(endpoint, setTimeout(() => void this.probe(endpoint), pause).unref());
  }

  async #ask(endpoint: Endpoint): Promise<void> {
    const { signal } = this.#stopped;
    const patience = { timeoutMs: this.#pace.timeout, signal };
    try {
      const before = this.#catalog.state(endpoint).findings;
      const findings = await askWhatItHas(this.#client, endpoint, before, patience);
      if (signal.aborted) return;
      this.#catalog.found(endpoint, findings);
      this.#onFound(before, findings, endpoint);
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof EndpointFailure ? error : new EndpointFailure('invalid', String(error), error);
      this.#catalog.failed(endpoint, failure.message, failure.reason === 'timeout');
    }
    this.#tell(endpoint);
  }

  #tell(endpoint: Endpoint): void {
    const { health } = this.#catalog.state(endpoint);
    if (health === this.#told.get(endpoint)) return;
    this.#told.set(endpoint, health);
    this.#onChange(endpoint);
  }

  #pauseAfter(endpoint: Endpoint): number {
    if (this.#catalog.state(endpoint).health !== 'healthy') return this.#pace.unreachable;
    return endpoint.kind === 'openai' ? this.#pace.healthyOpenai : this.#pace.healthy;
  }
}
