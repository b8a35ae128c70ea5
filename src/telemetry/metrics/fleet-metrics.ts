import type { Endpoint } from '../../domain/endpoint.ts';
import { asNumber, asObject, asString } from '../../domain/json.ts';
import type { ListedModel, Listing } from '../../domain/model.ts';
import type { Catalog } from '../../routing/catalog.ts';
import type { Slots } from '../../routing/slots.ts';
import { OTHER } from './labels.ts';
import type { Read } from './reading.ts';
import type { Registry } from './registry.ts';

/** What the gauges of endpoints and models are read from. */
export interface Fleet {
  readonly catalog: Catalog;
  readonly slots: Slots;
  /** Requests that an endpoint runs at once per model, where neither it nor the configuration says. */
  readonly defaultSlots: number;
}

const BY_MODEL = ['endpoint', 'model'] as const;

type ReadByModel = Read<typeof BY_MODEL>;

/** Registers what is known of endpoints and models now. */
export function fleetMetrics(registry: Registry, { catalog, slots, defaultSlots }: Fleet): void {
  const perModel = (name: string, help: string, value: (listing: Listing) => number | undefined) =>
    registry.gauge(name, help, BY_MODEL, ofListings(catalog, value));
  registry.gauge(
    'nomyo_router_endpoint_up',
    'Whether the last probe of the endpoint succeeded; absent before the first one.',
    ['endpoint', 'type'],
    () => ups(catalog),
  );
  registry.gauge('nomyo_router_inflight_requests', 'Requests under way.', BY_MODEL, () => inFlight(catalog, slots));
  perModel('nomyo_router_slots', 'Requests that the endpoint runs at once of the model.', ({ endpoint, model }) => {
    return endpoint.slots ?? model.slots ?? defaultSlots;
  });
  perModel('nomyo_router_model_loaded', 'Whether the model is in memory. Hosted models have none here.', (listing) => {
    return listing.endpoint.kind === 'openai' ? undefined : Number(listing.model.loaded);
  });
  perModel(
    'nomyo_router_model_vram_bytes',
    'Memory of the graphics card that the loaded model takes.',
    whileLoaded(vram),
  );
  perModel('nomyo_router_model_size_bytes', 'Memory of any kind that the loaded model takes.', whileLoaded(size));
  perModel(
    'nomyo_router_model_context_tokens',
    'Tokens that the loaded model takes per request.',
    whileLoaded(context),
  );
  perModel(
    'nomyo_router_model_expires_timestamp_seconds',
    'When the loaded model will be unloaded.',
    whileLoaded(expiry),
  );
}

function* ups(catalog: Catalog): ReturnType<Read<readonly ['endpoint', 'type']>> {
  for (const { endpoint, health } of catalog.states()) {
    if (health !== 'unknown') yield [[endpoint.name, endpoint.kind], Number(health === 'healthy')];
  }
}

function ofListings(catalog: Catalog, value: (listing: Listing) => number | undefined): ReadByModel {
  return function* () {
    for (const listing of catalog.listings()) {
      const found = value(listing);
      if (found !== undefined) yield [[listing.endpoint.name, listing.model.id], found];
    }
  };
}

/** Zero for listed models, too; those that no endpoint lists are one. */
function* inFlight(catalog: Catalog, slots: Slots): ReturnType<ReadByModel> {
  const all = slots.snapshot();
  for (const { endpoint, findings } of catalog.states()) {
    const now = new Map(Object.entries(all[endpoint.url] ?? {}));
    for (const { id } of findings?.models ?? []) {
      yield [[endpoint.name, id], now.get(id) ?? 0];
      now.delete(id);
    }
    const rest = [...now.values()].reduce((sum, count) => sum + count, 0);
    if (rest > 0) yield [[endpoint.name, OTHER], rest];
  }
}

function whileLoaded(value: (model: ListedModel, endpoint: Endpoint) => number | undefined) {
  return ({ endpoint, model }: Listing) =>
    model.loaded && endpoint.kind !== 'openai' ? value(model, endpoint) : undefined;
}

function vram({ ps }: ListedModel): number | undefined {
  return asNumber(ps?.['size_vram']);
}

/** llama-server tells the size of the weights. */
function size({ ps, item }: ListedModel): number | undefined {
  return asNumber(ps?.['size']) ?? asNumber(asObject(item?.['meta'])?.['size']);
}

function context({ ps, contextLength }: ListedModel): number | undefined {
  return asNumber(ps?.['context_length']) ?? contextLength;
}

function expiry({ ps }: ListedModel): number | undefined {
  const time = Date.parse(asString(ps?.['expires_at']) ?? '');
  return Number.isNaN(time) ? undefined : time / 1000;
}
