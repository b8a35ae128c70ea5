import type { Endpoint, Reach } from '../domain/endpoint.ts';
import type { Listing } from '../domain/model.ts';
import type { Considered, RouteReason } from '../domain/request-record.ts';
import { RouterError } from '../errors.ts';
import type { Catalog } from './catalog.ts';
import { Gaps } from './gaps.ts';
import type { Candidate, Policy } from './policy.ts';
import type { Lease, Slots } from './slots.ts';

/** An endpoint chosen for a request and why, with the slot the request holds there until it is disposed of. */
export interface Placement extends Choice, Lease {}

interface Choice extends Listing {
  readonly reason: RouteReason;
  /** All that could have been chosen; empty where there was no choice. */
  readonly considered: readonly Considered[];
}

/** The context a client wants the model to be loaded with; only asked for where there is a choice. */
export type ContextLength = () => number | undefined;

/** How an endpoint can serve the request's route. */
export type ReachOf = (endpoint: Endpoint) => Reach;

/** Seconds after which an unreachable endpoint is worth another try. */
const RETRY_AFTER_SECONDS = 5;

/** Says which endpoint gets a request. Choosing and leasing are one synchronous step, so that no two requests race. */
export class Router {
  readonly catalog: Catalog;
  readonly slots: Slots;
  readonly gaps = new Gaps();
  readonly #policy: Policy;
  readonly #defaultSlots: number;
  readonly #random: () => number;

  constructor(
    catalog: Catalog,
    slots: Slots,
    policy: Policy,
    defaultSlots: number,
    random: () => number = Math.random,
  ) {
    this.catalog = catalog;
    this.slots = slots;
    this.#policy = policy;
    this.#defaultSlots = defaultSlots;
    this.#random = random;
  }

  /**
   * Places a request for the model that the client calls `name` on one of the endpoints that have it and can serve its
   * route, but none of `tried`; undefined when no other can now. `contextLength` is what the client wants the model to be
   * loaded with. While none was tried, throws as `candidatesFor` does, and `not_implemented` where none can serve it.
   */
  place(
    name: string,
    reachOf: ReachOf,
    tried: ReadonlySet<Endpoint>,
    contextLength?: ContextLength,
  ): Placement | undefined {
    const all = tried.size === 0 ? this.candidatesFor(name) : this.catalog.lookup(name).available;
    const open = all.filter(({ endpoint }) => !tried.has(endpoint) && reachOf(endpoint) !== 'none');
    const first = open[0];
    if (first === undefined && tried.size === 0) throw cannotServe(name, all);
    if (first === undefined) return undefined;
    const choice = open.length === 1 ? onlyChoice(first) : this.#choose(sound(open), reachOf, contextLength);
    const lease = this.slots.lease(choice.endpoint, choice.model.id);
    return { ...choice, [Symbol.dispose]: () => lease[Symbol.dispose]() };
  }

  /**
   * The endpoints that have the model now, at least one. Throws `model_not_found`, or `model_unavailable` where only
   * unreachable endpoints have it.
   */
  candidatesFor(model: string): readonly [Listing, ...Listing[]] {
    const { available, unreachable } = this.catalog.lookup(model);
    const [first, ...others] = available;
    if (first !== undefined) return [first, ...others];
    if (unreachable.length > 0) throw unavailable(model, unreachable);
    if (this.catalog.states().every((state) => state.health !== 'healthy')) throw nothingReachable(model);
    throw new RouterError('model_not_found', `model '${model}' not found`, { param: 'model' });
  }

  #choose(listings: readonly Listing[], reachOf: ReachOf, contextLength: ContextLength | undefined): Choice {
    const wanted = contextLength?.();
    const candidates = listings.map((listing) => this.#weigh(listing, reachOf, wanted));
    const chosen = this.#policy(candidates, this.#random);
    const { endpoint, model } = chosen;
    return { endpoint, model, reason: reasonOf(chosen), considered: candidates.map(considered) };
  }

  #weigh({ endpoint, model }: Listing, reachOf: ReachOf, contextLength: number | undefined): Candidate {
    return {
      endpoint,
      model,
      inFlight: this.slots.inFlight(endpoint, model.id),
      slots: endpoint.slots ?? model.slots ?? this.#defaultSlots,
      load: this.slots.load(endpoint),
      native: reachOf(endpoint) === 'native',
      fits: contextLength !== undefined && model.loaded && model.contextLength === contextLength,
    };
  }
}

function onlyChoice({ endpoint, model }: Listing): Choice {
  return { endpoint, model, reason: 'only_endpoint', considered: NOBODY };
}

const NOBODY: readonly Considered[] = [];

function reasonOf({ model, inFlight, slots }: Candidate): RouteReason {
  if (inFlight >= slots) return 'all_busy';
  return model.loaded ? 'loaded_free_slot' : 'free_slot';
}

/** Without the endpoint and model themselves, which a record would keep from being forgotten. */
function considered({ endpoint, model, inFlight, slots }: Candidate): Considered {
  return { endpoint: endpoint.name, loaded: model.loaded, inFlight, slots };
}

/** Where the model failed to load it will fail again: such an endpoint is asked where no other has the model. */
function sound(listings: readonly Listing[]): readonly Listing[] {
  const able = listings.filter(({ model }) => model.failed !== true);
  return able.length > 0 ? able : listings;
}

function cannotServe(model: string, listings: readonly Listing[]): RouterError {
  const where = listings.map(({ endpoint }) => `${endpoint.name} (${endpoint.kind})`).join(', ');
  return new RouterError('not_implemented', `'${model}' is only on ${where}, which cannot serve this route`);
}

function unavailable(model: string, endpoints: readonly Endpoint[]): RouterError {
  const where = endpoints.map((endpoint) => endpoint.name).join(', ');
  const message = `model '${model}' is only on ${where}, which cannot be reached now`;
  return new RouterError('model_unavailable', message, { param: 'model', retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function nothingReachable(model: string): RouterError {
  const message = `no endpoint can be reached, so nobody knows model '${model}'`;
  return new RouterError('model_unavailable', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
