import type { Endpoint } from '../domain/endpoint.ts';
import type { Findings, ListedModel, Listing } from '../domain/model.ts';
import { looseName, type ModelName, parseModelName, shortNames, withoutLatest } from '../domain/model-name.ts';

/** What is known of an endpoint. `unknown` until its first probe has ended. */
export interface EndpointState {
  readonly endpoint: Endpoint;
  readonly health: 'unknown' | 'healthy' | 'unreachable';
  /** What the last successful probe found; kept while the endpoint is unreachable. */
  readonly findings: Findings | undefined;
  /** Why the last probe failed, in words for people. */
  readonly detail: string | undefined;
}

/** Where a name is available, and which endpoints had it when they were last reached. */
export interface Lookup {
  readonly available: readonly Listing[];
  readonly unreachable: readonly Endpoint[];
}

interface Entry extends EndpointState {
  readonly byName: ReadonlyMap<string, ListedModel>;
  /** Shorter names, each of one model alone. */
  readonly byShortName: ReadonlyMap<string, ListedModel>;
  /** Probes in a row that ran out of time. */
  readonly timeouts: number;
}

/** Names come from clients: no more of them are remembered than this. */
const MAX_REMEMBERED = 2_000;
/** A busy machine may miss one probe; the second in a row counts. */
const TIMEOUTS_TO_UNREACHABLE = 2;

/** What probes found: which endpoint has which model available and loaded. No I/O; answers at once. */
export class Catalog {
  readonly #entries = new Map<Endpoint, Entry>();
  readonly #lookups = new Map<string, Lookup>();
  readonly #waiting = new Set<() => void>();

  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) this.#entries.set(endpoint, unprobed(endpoint));
  }

  /** A probe succeeded. */
  found(endpoint: Endpoint, findings: Findings): void {
    const allowed = endpoint.models;
    const models =
      allowed === undefined ? findings.models : findings.models.filter((m) => allows(allowed, endpoint, m));
    this.#set({
      ...this.#entry(endpoint),
      health: 'healthy',
      findings: { ...findings, models },
      detail: undefined,
      byName: indexNames(endpoint, models),
      byShortName: indexShortNames(endpoint, models),
      timeouts: 0,
    });
  }

  /**
   * A probe or a request failed. What was found before is kept: the models of an unreachable endpoint are unavailable,
   * not unknown. A healthy endpoint that only ran out of time gets a second chance.
   */
  failed(endpoint: Endpoint, detail: string, timedOut: boolean): void {
    const entry = this.#entry(endpoint);
    const timeouts = timedOut ? entry.timeouts + 1 : 0;
    const spared = timedOut && entry.health === 'healthy' && timeouts < TIMEOUTS_TO_UNREACHABLE;
    this.#set({ ...entry, health: spared ? 'healthy' : 'unreachable', detail, timeouts });
  }

  /** A request was answered: the model is in memory there, before the next probe says so. */
  loaded(endpoint: Endpoint, id: string): void {
    const { findings } = this.#entry(endpoint);
    if (findings === undefined || this.model(endpoint, id)?.loaded !== false) return;
    this.found(endpoint, {
      ...findings,
      models: findings.models.map((m) => (m.id === id ? { ...m, loaded: true } : m)),
    });
  }

  states(): EndpointState[] {
    return [...this.#entries.values()];
  }

  state(endpoint: Endpoint): EndpointState {
    return this.#entry(endpoint);
  }

  /** A model as it was last seen on an endpoint. */
  model(endpoint: Endpoint, id: string): ListedModel | undefined {
    return this.#entry(endpoint).findings?.models.find((model) => model.id === id);
  }

  /** Everything that can be requested now, in the order of the configuration. */
  listings(): Listing[] {
    return this.states()
      .filter((state) => state.health === 'healthy')
      .flatMap(({ endpoint, findings }) => (findings?.models ?? []).map((model) => ({ endpoint, model })));
  }

  /** Where the model that a client calls `name` is. */
  lookup(name: string): Lookup {
    const known = this.#lookups.get(name);
    if (known !== undefined) return known;
    const lookup = this.#search(name);
    if (lookup.available.length === 0) return lookup;
    if (this.#lookups.size >= MAX_REMEMBERED) this.#lookups.clear();
    this.#lookups.set(name, lookup);
    return lookup;
  }

  /** Whether the first probe of every endpoint has ended. */
  get settled(): boolean {
    for (const entry of this.#entries.values()) if (entry.health === 'unknown') return false;
    return true;
  }

  /** Resolves as soon as this holds; looks again after every probe. Gives up, and resolves too, after `limitMs`. */
  until(holds: () => boolean, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (holds()) leave();
      };
      const leave = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      // Whoever waits has something else that keeps the process running, or it is to end.
      const timer = setTimeout(leave, limitMs).unref();
      this.#waiting.add(look);
      look();
    });
  }

  #search(name: string): Lookup {
    const key = parseModelName(name);
    const exact = this.#where((entry) => modelOn(entry, name, key));
    if (exact.available.length > 0 || exact.unreachable.length > 0) return onlyAble(exact, key);
    // A shorter name is another's full one as soon as somebody has that.
    return this.#where((entry) => entry.byShortName.get(looseName(withoutLatest(name))));
  }

  #where(find: (entry: Entry) => ListedModel | undefined): Lookup {
    const available: Listing[] = [];
    const unreachable: Endpoint[] = [];
    for (const entry of this.#entries.values()) {
      const model = find(entry);
      if (model === undefined) continue;
      if (entry.health === 'healthy') available.push({ endpoint: entry.endpoint, model });
      else unreachable.push(entry.endpoint);
    }
    return { available, unreachable };
  }

  #entry(endpoint: Endpoint): Entry {
    return this.#entries.get(endpoint) ?? unprobed(endpoint);
  }

  #set(entry: Entry): void {
    this.#entries.set(entry.endpoint, entry);
    this.#lookups.clear();
    for (const look of [...this.#waiting]) look();
  }
}

/** Who merely lists a cloud model may not be signed in. */
function onlyAble({ available, unreachable }: Lookup, key: ModelName | undefined): Lookup {
  const able = key?.source === 'cloud' ? available.filter(({ endpoint }) => endpoint.cloud) : [];
  return { available: able.length > 0 ? able : available, unreachable };
}

function unprobed(endpoint: Endpoint): Entry {
  const nothing = { findings: undefined, detail: undefined, byName: new Map(), byShortName: new Map() };
  return { endpoint, health: 'unknown', ...nothing, timeouts: 0 };
}

/** The model that an endpoint would run under the name, which Ollama reads as `key`. */
function modelOn({ endpoint, byName }: Entry, name: string, key: ModelName | undefined): ListedModel | undefined {
  if (endpoint.kind !== 'ollama') return byName.get(name) ?? byName.get(withoutLatest(name));
  if (key === undefined) return undefined;
  const listed = byName.get(key.key);
  if (key.source !== 'cloud') return listed;
  // A signed-in Ollama server runs cloud models that it does not list, and loads none.
  const model = listed ?? (mayRun(endpoint, key.key) ? { id: key.key, aliases: [] } : undefined);
  return model && { ...model, loaded: true };
}

function mayRun({ cloud, models }: Endpoint, key: string): boolean {
  return cloud && (models === undefined || models.some((name) => keyOf(name) === key));
}

/** Names an endpoint answers to: Ollama's by their key, any other server's ids and aliases to the letter. */
function indexNames(endpoint: Endpoint, models: readonly ListedModel[]): Map<string, ListedModel> {
  const names = new Map<string, ListedModel>();
  for (const model of models) for (const alias of model.aliases) names.set(alias, model);
  for (const model of models) names.set(endpoint.kind === 'ollama' ? keyOf(model.id) : model.id, model);
  return names;
}

/** Only where it is clear which model is meant. */
function indexShortNames({ kind }: Endpoint, models: readonly ListedModel[]): Map<string, ListedModel> {
  const named = kind === 'llama-server' ? models.flatMap((m) => shortNames(m.id).map((name) => ({ name, m }))) : [];
  const groups = Map.groupBy(named, ({ name }) => name);
  const clear = [...groups].flatMap(([name, [first, ...others]]) =>
    first !== undefined && others.length === 0 ? [[name, first.m] as const] : [],
  );
  return new Map(clear);
}

function allows(allowed: readonly string[], endpoint: Endpoint, model: ListedModel): boolean {
  if (endpoint.kind === 'ollama') return allowed.some(named(keyOf(model.id)));
  return [model.id, ...model.aliases].some((name) => allowed.includes(name));
}

function named(key: string): (name: string) => boolean {
  return (name) => keyOf(name) === key;
}

function keyOf(name: string): string {
  return parseModelName(name)?.key ?? name;
}
