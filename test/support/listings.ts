import type { Endpoint, EndpointKind } from '../../src/domain/endpoint.ts';
import type { ListedModel, Listing } from '../../src/domain/model.ts';

/** An endpoint of this kind, called like its kind unless it is told another name. */
export function endpointOf(kind: EndpointKind, more: Partial<Endpoint> = {}): Endpoint {
  const name = more.name ?? kind;
  return { url: `http://${name}`, name, kind, base: `http://${name}`, cloud: false, ...more };
}

/** A model in memory, unless it is told otherwise. */
export function modelOf(id: string, more: Partial<ListedModel> = {}): ListedModel {
  return { id, aliases: [], loaded: true, ...more };
}

export function listingOf(kind: EndpointKind, id: string, more: Partial<ListedModel> = {}): Listing {
  return { endpoint: endpointOf(kind), model: modelOf(id, more) };
}
