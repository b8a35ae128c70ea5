import { textDigest } from '../../domain/digest.ts';
import { asArray, asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import type { ListedModel, Listing } from '../../domain/model.ts';
import { parseModelName } from '../../domain/model-name.ts';
import { capabilities, details, modelInfo } from './model-facts.ts';

/** Where no time is known: clients insist on one. */
const EPOCH = '1970-01-01T00:00:00Z';
/** What Ollama says of a model that stays loaded for ever. */
const FOR_EVER = '2318-01-01T00:00:00Z';
/** The end of the year 9999: later times have no RFC 3339 form. */
const MAX_UNIX_SECONDS = 253_402_300_799;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
/** The `ollama` command cuts a digest's first twelve characters out unchecked. */
const HEX_DIGEST = /^(?:sha256:)?([0-9a-f]{64})$/i;

/** The entries of `/api/tags`: every model once, the newest where endpoints differ, newest first. */
export function tagsEntries(listings: readonly Listing[]): JsonObject[] {
  return newestFirst(union(listings.map(tagsEntry), byName, 'modified_at'), 'modified_at');
}

/** The entries of `/api/ps`: a row per model and digest that is loaded somewhere, the one that expires last first. */
export function psEntries(listings: readonly Listing[]): JsonObject[] {
  const entries = listings.map(psEntry).filter((entry) => entry !== undefined);
  return newestFirst(
    union(entries, (entry) => `${byName(entry)} ${asString(entry['digest'])}`, 'expires_at'),
    'expires_at',
  );
}

/** The rows of `/api/ps_details`: one for each endpoint that has a model loaded. */
export function psRows(listings: readonly Listing[], differs: (listing: Listing) => boolean): JsonObject[] {
  const rows = listings.flatMap((listing) => {
    const entry = psEntry(listing);
    if (entry === undefined) return [];
    return [{ ...entry, endpoint: listing.endpoint.url, ...(differs(listing) && { differs: true }) }];
  });
  return newestFirst(rows, 'expires_at');
}

/** The answer of `/api/show` for a model whose endpoint has no such route. */
export function showAnswer(listing: Listing): JsonObject {
  const { model } = listing;
  const template = asString(model.props?.['chat_template']) ?? '';
  return {
    license: '',
    modelfile: '# synthesized',
    parameters: '',
    template,
    details: details(listing),
    model_info: modelInfo(listing),
    capabilities: capabilities(listing, template),
    modified_at: modifiedAt(listing),
  };
}

function tagsEntry(listing: Listing): JsonObject {
  const { model } = listing;
  if (model.tags !== undefined)
    return { ...completed(listing, model.tags), modified_at: timeIn(model.tags, 'modified_at') };
  const name = displayName(listing);
  return {
    name,
    model: name,
    modified_at: modifiedAt(listing),
    size: size(listing),
    digest: digest(listing),
    details: { ...details(listing), ...(model.contextLength !== undefined && { context_length: model.contextLength }) },
    capabilities: capabilities(listing, asString(model.props?.['chat_template']) ?? ''),
  };
}

/**
 * Undefined for what is not loaded or in nobody's memory here, and for a model of Ollama that was loaded after the last
 * probe, which says more of it than can be made up.
 */
function psEntry(listing: Listing): JsonObject | undefined {
  const { model, endpoint } = listing;
  if (!model.loaded || endpoint.kind === 'openai') return undefined;
  if (model.ps !== undefined) return { ...completed(listing, model.ps), ...running(model, model.ps) };
  if (model.tags !== undefined) return undefined;
  const name = displayName(listing);
  return {
    name,
    model: name,
    size: size(listing),
    digest: digest(listing),
    details: details(listing),
    expires_at: FOR_EVER,
    size_vram: size(listing),
    context_length: model.contextLength ?? 0,
  };
}

/** An Ollama server's entry with what strict clients insist on and old or odd servers leave out. */
function completed(listing: Listing, entry: JsonObject): JsonObject {
  const { model } = listing;
  const found = asObject(entry['details']) ?? {};
  const said = Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
  return {
    ...entry,
    name: asString(entry['name']) ?? model.id,
    model: asString(entry['model']) ?? model.id,
    size: wholeNumber(entry['size']),
    digest: HEX_DIGEST.exec(asString(entry['digest']) ?? '')?.[1] ?? digest(listing),
    details: { ...details(listing), format: 'gguf', ...said, families: asArray(found['families']) },
  };
}

/** What `/api/ps` says more. */
function running(model: ListedModel, entry: JsonObject): JsonObject {
  return {
    expires_at: timeIn(entry, 'expires_at', FOR_EVER),
    size_vram: wholeNumber(entry['size_vram']),
    context_length: wholeNumber(entry['context_length'] ?? model.contextLength),
  };
}

/** Clients of Ollama expect a tag; models of hosted services keep their plain names. */
function displayName({ endpoint, model }: Listing): string {
  const tagged = model.id.lastIndexOf(':') > model.id.lastIndexOf('/');
  return endpoint.kind !== 'llama-server' || tagged ? model.id : `${model.id}:latest`;
}

function digest({ endpoint, model }: Listing): string {
  return textDigest(`${endpoint.kind}|${model.id}`);
}

function size({ model }: Listing): number {
  return wholeNumber(asObject(model.item?.['meta'])?.['size']);
}

function wholeNumber(value: unknown): number {
  return Math.max(0, Math.trunc(asNumber(value) ?? 0));
}

function modifiedAt({ model }: Listing): string {
  const created = asNumber(model.item?.['created']);
  return created === undefined || !(created > 0 && created <= MAX_UNIX_SECONDS)
    ? EPOCH
    : new Date(created * 1000).toISOString();
}

/** The entry's time as it stands there, unless it is none that clients can read. */
function timeIn(entry: JsonObject, field: string, otherwise = EPOCH): string {
  const time = asString(entry[field]) ?? '';
  return RFC3339.test(time) && !Number.isNaN(Date.parse(time)) ? time : otherwise;
}

/** One entry per key: of several the one with the latest time, with all its fields. */
function union(entries: readonly JsonObject[], keyOf: (entry: JsonObject) => string, time: string): JsonObject[] {
  const latest = new Map<string, JsonObject>();
  for (const entry of entries) {
    const before = latest.get(keyOf(entry));
    if (before === undefined || timeOf(entry, time) > timeOf(before, time)) latest.set(keyOf(entry), entry);
  }
  return [...latest.values()];
}

function newestFirst(entries: readonly JsonObject[], time: string): JsonObject[] {
  return [...entries].sort((a, b) => timeOf(b, time) - timeOf(a, time));
}

function timeOf(entry: JsonObject, field: string): number {
  return Date.parse(asString(entry[field]) ?? EPOCH) || 0;
}

function byName(entry: JsonObject): string {
  const name = asString(entry['name']) ?? asString(entry['model']) ?? '';
  return parseModelName(name)?.key ?? name;
}
