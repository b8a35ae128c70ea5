import type { Endpoint } from '../../domain/endpoint.ts';
import { asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { Listing } from '../../domain/model.ts';
import { parseModelName } from '../../domain/model-name.ts';

/** The entries of `/v1/models`: every name that inference accepts, once. */
export function modelItems(listings: readonly Listing[]): JsonObject[] {
  const items = new Map<string, JsonObject>();
  const ids = new Set<string>();
  for (const listing of listings) {
    for (const id of [listing.model.id, ...listing.model.aliases]) {
      const key = keyOf(listing.endpoint, id);
      if (!items.has(key) && !ids.has(id)) items.set(key, modelItem(listing, id));
      ids.add(id);
    }
  }
  return [...items.values()];
}

/** A model as `/v1/models/{id}` gives it; `id` is the client's spelling where it asked for one. */
export function modelItem({ endpoint, model }: Listing, id: string = model.id): JsonObject {
  if (endpoint.kind === 'ollama')
    return { id, object: 'model', created: createdOf(model.tags), owned_by: ownerOf(model.id) };
  return {
    ...model.item,
    ...publicStatus(model.item?.['status']),
    id,
    object: 'model',
    created: Math.trunc(asNumber(model.item?.['created']) ?? 0),
    owned_by: asString(model.item?.['owned_by']) ?? endpoint.kind,
  };
}

/** Of llama-server's status only what concerns clients: its arguments hold paths, ports and keys. */
function publicStatus(status: JsonValue | undefined): JsonObject {
  const { value, failed, exit_code, progress } = asObject(status) ?? {};
  return asObject(status) === undefined ? {} : { status: { value, failed, exit_code, progress } };
}

function createdOf(tags: JsonObject | undefined): number {
  return Math.floor((Date.parse(asString(tags?.['modified_at']) ?? '') || 0) / 1000);
}

/** The namespace, `library` where the name has none. */
function ownerOf(name: string): string {
  const parts = name.split('/');
  return parts.at(-2) ?? 'library';
}

function keyOf({ kind }: Endpoint, id: string): string {
  return kind === 'ollama' ? `ollama ${parseModelName(id)?.key ?? id}` : id;
}
