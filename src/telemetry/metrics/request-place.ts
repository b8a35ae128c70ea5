import type { Endpoint } from '../../domain/endpoint.ts';
import type { Findings } from '../../domain/model.ts';
import type { RequestRecord } from '../../domain/request-record.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { OTHER } from './labels.ts';

/** What a request is counted under. Every part has few values, whatever clients send. */
export interface Place {
  /** The route's path, `none` where there is no such route. */
  readonly api: string;
  /** As listed, `other` where the endpoint does not list it; empty where the request came to no endpoint. */
  readonly model: string;
  /** Its name; empty where the request came to no endpoint. */
  readonly endpoint: string;
  /** The name of the client's key. */
  readonly client: string;
}

/** Tells under which name a model is counted: its own where this endpoint lists it, as far as is known, else `other`. */
export type ModelLabel = (endpoint: Endpoint, model: string) => string;

/** Model labels by what the catalog knows now. */
export function modelLabels(catalog: Catalog): ModelLabel {
  const namesIn = new WeakMap<Findings, ReadonlySet<string>>();
  return (endpoint, model) => {
    const { findings } = catalog.state(endpoint);
    if (findings === undefined) return OTHER;
    let names = namesIn.get(findings);
    if (names === undefined) {
      names = new Set(findings.models.map(({ id }) => id));
      namesIn.set(findings, names);
    }
    return names.has(model) ? model : OTHER;
  };
}

/** Where a request is counted; the last endpoint, if there were several. */
export function placeOf({ route, client, decision }: RequestRecord, modelLabel: ModelLabel): Place {
  return {
    api: route ?? 'none',
    model: decision === undefined ? '' : modelLabel(decision.endpoint, decision.model),
    endpoint: decision?.endpoint.name ?? '',
    client: client.key ?? 'anonymous',
  };
}
