import { asString } from '../domain/json.ts';
import type { Findings, ListedModel, Listing } from '../domain/model.ts';
import type { Catalog } from './catalog.ts';

/**
 * The endpoints that give this name different digests; empty where all agree. No error: the same model made on two
 * machines has two digests. Only Ollama's digests count, since others are made up.
 */
export function differingDigests(catalog: Catalog, name: string): Listing[] {
  const listings = catalog.lookup(name).available.filter(({ model }) => digestOf(model) !== undefined);
  const digests = new Set(listings.map(({ model }) => digestOf(model)));
  return digests.size > 1 ? listings : [];
}

/** The models whose digest is new since the probe before. */
export function changedDigests(before: Findings | undefined, found: Findings): ListedModel[] {
  const known = new Map(before?.models.map((model) => [model.id, digestOf(model)]));
  return found.models.filter((model) => digestOf(model) !== undefined && known.get(model.id) !== digestOf(model));
}

/** The digest in an Ollama server's own list. */
export function digestOf({ tags }: ListedModel): string | undefined {
  return asString(tags?.['digest']);
}
