import type { Endpoint, EndpointKind } from '../../domain/endpoint.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Findings } from '../../domain/model.ts';
import { EndpointFailure } from '../../errors.ts';
import type { UpstreamClient } from '../client.ts';
import { fetchJson } from '../fetch-json.ts';
import { probeLlamaServer } from './llama-server.ts';
import { probeOllama } from './ollama.ts';
import { probeOpenai } from './openai.ts';

/** Asks a question of the endpoint: the answer's object. Rejects with `EndpointFailure` unless it is a 200. */
export type Get = (path: string) => Promise<JsonObject>;

/** Finds out what an endpoint has; `before` is what was found last. None of its questions loads or wakes a model. */
export type Probe = (endpoint: Endpoint, get: Get, before: Findings | undefined) => Promise<Findings>;

const PROBES: Readonly<Record<EndpointKind, Probe>> = {
  ollama: probeOllama,
  'llama-server': probeLlamaServer,
  vllm: probeOpenai,
  openai: probeOpenai,
};

/** Asks an endpoint, in the way of its kind, which models it has available and loaded. Rejects with `EndpointFailure`. */
export function askWhatItHas(
  client: UpstreamClient,
  endpoint: Endpoint,
  before: Findings | undefined,
  timeoutMs: number,
): Promise<Findings> {
  const get: Get = async (path) => {
    const { status, object } = await fetchJson(client, endpoint, { method: 'GET', path }, timeoutMs);
    if (status !== 200) throw new EndpointFailure('invalid', `answered ${status} to GET ${path}`);
    return object;
  };
  return PROBES[endpoint.kind](endpoint, get, before);
}
