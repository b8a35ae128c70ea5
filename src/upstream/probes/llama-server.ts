import { asArray, asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import type { Findings, ListedModel } from '../../domain/model.ts';
import { items } from './openai.ts';
import type { Get, Probe } from './probe.ts';

type Item = JsonObject & { id: string };

/** In router mode the list says of each model whether it is loaded; a server of one model has no such status. */
export const probeLlamaServer: Probe = async (_endpoint, get, before) => {
  await get('/health');
  const found = items(await get('/v1/models'));
  const props = found.some(managed) ? undefined : await get('/props').catch(() => undefined);
  const models = await Promise.all(found.map((item) => listed(item, get, before, props)));
  return { version: asString(props?.['build_info']) ?? 'latest', models };
};

async function listed(
  item: Item,
  get: Get,
  before: Findings | undefined,
  single: JsonObject | undefined,
): Promise<ListedModel> {
  const known = before?.models.find((model) => model.id === item.id);
  const loaded = !managed(item) || statusOf(item) === 'loaded';
  const props = single ?? (loaded ? await propsOf(item.id, get) : undefined) ?? known?.props;
  const slots = asNumber(props?.['total_slots']);
  const contextLength = asNumber(asObject(item['meta'])?.['n_ctx']) ?? asNumber(settings(props)?.['n_ctx']);
  return {
    id: item.id,
    aliases: asArray(item['aliases']).filter((alias): alias is string => typeof alias === 'string'),
    loaded,
    // `created` is the time of the request: the first one seen is kept, so that lists do not change with each probe.
    item: { ...item, created: known?.item?.['created'] ?? item['created'] },
    ...(managed(item) && { managed: true, failed: asObject(item['status'])?.['failed'] === true }),
    ...(statusOf(item) === 'sleeping' && { sleeping: true }),
    ...(props !== undefined && { props }),
    ...(slots !== undefined && slots > 0 && { slots }),
    ...(contextLength !== undefined && contextLength > 0 && { contextLength }),
  };
}

/** Without `autoload=false` the question alone would load the model. */
function propsOf(id: string, get: Get): Promise<JsonObject | undefined> {
  return get(`/props?model=${encodeURIComponent(id)}&autoload=false`).catch(() => undefined);
}

function managed(item: Item): boolean {
  return item['status'] !== undefined && item['status'] !== null;
}

/** Older builds give a plain text. */
function statusOf(item: Item): string | undefined {
  return asString(item['status']) ?? asString(asObject(item['status'])?.['value']);
}

function settings(props: JsonObject | undefined): JsonObject | undefined {
  return asObject(props?.['default_generation_settings']);
}
