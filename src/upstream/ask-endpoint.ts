import type { Endpoint, EndpointKind } from '../domain/endpoint.ts';
import type { Findings } from '../domain/model.ts';
import type { UpstreamClient } from './client.ts';
import { fetchJson } from './fetch-json.ts';
import { probeLlamaServer } from './probes/llama-server.ts';
import { probeOllama } from './probes/ollama.ts';
import { probeOpenai } from './probes/openai.ts';
import { type Get, OddStatus, type Probe } from './probes/probe.ts';

const PROBES: Readonly<Record<EndpointKind, Probe>> = {
  ollama: probeOllama,
  'llama-server': probeLlamaServer,
  vllm: probeOpenai,
  openai: probeOpenai,
};

/** How long one question may take; aborting `signal` ends them all, with `ClientGone`. */
interface Patience {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Asks an endpoint, in the way of its kind, which models it has available and loaded. Rejects with `EndpointFailure`. */
export function askWhatItHas(
  client: UpstreamClient,
  endpoint: Endpoint,
  before: Findings | undefined,
  { timeoutMs, signal }: Patience,
): Promise<Findings> {
  const get: Get = async (path) => {
    const { status, object } = await fetchJson(client, endpoint, { method: 'GET', path, signal }, timeoutMs);
    if (status !== 200) throw new OddStatus(status, path);
    return object;
  };
  return PROBES[endpoint.kind](endpoint, get, before);
}
