import type { Endpoint, EndpointKind } from '../../src/domain/endpoint.ts';
import type { Findings, ListedModel } from '../../src/domain/model.ts';
import { askWhatItHas } from '../../src/upstream/ask-endpoint.ts';
import { Http1Client } from '../../src/upstream/http1-client.ts';

/** An endpoint as the configuration would give it. */
export function endpointAt(url: string, kind: EndpointKind, more: Partial<Endpoint> = {}): Endpoint {
  return { url, base: url, name: new URL(url).host, kind, cloud: false, ...more };
}

/** Probes an endpoint once, as the prober does. */
export async function probed(endpoint: Endpoint, before?: Findings, timeoutMs = 20_000): Promise<Findings> {
  const client = new Http1Client();
  try {
    return await askWhatItHas(client, endpoint, before, { timeoutMs, signal: new AbortController().signal });
  } finally {
    client.close();
  }
}

/** What was found of the model with this id. */
export function modelIn({ models }: Findings, id: string): ListedModel {
  const found = models.find((model) => model.id === id);
  if (found === undefined) throw new Error(`${id} was not found among ${models.map((model) => model.id)}`);
  return found;
}
