import type { Endpoint } from '../domain/endpoint.ts';

/** A slot held: given back once, by leaving the block that holds it. */
export interface Lease extends Disposable {}

/** Requests in flight per endpoint and model: the one place where they are counted. */
export class Slots {
  readonly #inFlight = new Map<Endpoint, Map<string, number>>();
  /** Differs whenever a slot was taken or given back. */
  changes = 0;

  /** Requests to this model on this endpoint now; `model` as the endpoint lists it. */
  inFlight(endpoint: Endpoint, model: string): number {
    return this.#inFlight.get(endpoint)?.get(model) ?? 0;
  }

  /** Requests on this endpoint now, whatever the model. */
  load(endpoint: Endpoint): number {
    let sum = 0;
    for (const count of this.#inFlight.get(endpoint)?.values() ?? []) sum += count;
    return sum;
  }

  lease(endpoint: Endpoint, model: string): Lease {
    this.#add(endpoint, model, 1);
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.#add(endpoint, model, -1);
        held = false;
      },
    };
  }

  /** Endpoint URL to model to requests in flight; only what is above zero. */
  snapshot(): Record<string, Record<string, number>> {
    const all: Record<string, Record<string, number>> = {};
    for (const [endpoint, models] of this.#inFlight) {
      if (models.size > 0) all[endpoint.url] = Object.fromEntries(models);
    }
    return all;
  }

  #add(endpoint: Endpoint, model: string, change: number): void {
    this.changes++;
    let models = this.#inFlight.get(endpoint);
    if (models === undefined) {
      models = new Map();
      this.#inFlight.set(endpoint, models);
    }
    const count = (models.get(model) ?? 0) + change;
    // Names of cloud models come from clients: none is kept for its own sake.
    if (count > 0) models.set(model, count);
    else models.delete(model);
  }
}
