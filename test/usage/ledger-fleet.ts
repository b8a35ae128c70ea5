import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { ModelDescription, SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { ONCE, type RunningRouter, startRouter } from '../support/router.ts';

/** Routes that older servers of a kind do not have: what is asked there is translated. */
const NEWER = ['/v1/responses', '/v1/messages', '/v1/messages/count_tokens'];

/** Endpoints of every kind, with the newest routes and without. */
const PLACES = {
  ollama: { kind: 'ollama' },
  'ollama-new': { kind: 'ollama', version: '0.33.0' },
  'ollama-old': {
    kind: 'ollama',
    lacks: [...NEWER, '/v1/chat/completions', '/v1/completions', '/v1/embeddings'],
  },
  llama: { kind: 'llama-server', mode: 'router', embeddings: true },
  'llama-old': { kind: 'llama-server', mode: 'router', embeddings: true, lacks: NEWER },
  'llama-single': { kind: 'llama-server', embeddings: true },
  vllm: { kind: 'vllm' },
  'vllm-old': { kind: 'vllm', lacks: NEWER },
  openai: { kind: 'openai' },
  'openai-new': { kind: 'openai', has: ['/v1/messages', '/v1/rerank', '/v2/rerank'] },
} as const satisfies Readonly<Record<string, SimulatedEndpointOptions>>;

type DescribedModel = Exclude<ModelDescription, string>;

export type PlaceName = keyof typeof PLACES;

export const PLACE_NAMES = Object.keys(PLACES).filter((name): name is PlaceName => name in PLACES);

/** A simulated endpoint, and the routes it has not. */
export interface Place {
  readonly name: PlaceName;
  readonly endpoint: SimulatedEndpoint;
  readonly lacks: readonly string[];
}

/** The router before endpoints of every kind. */
export interface LedgerStage extends AsyncDisposable {
  readonly router: RunningRouter;
  readonly places: readonly Place[];
}

/** Starts one endpoint of each of these places, and the router. `heartbeat`: as it is written in a configuration. */
export async function startLedgerStage(
  names: readonly PlaceName[],
  modelsAt: (place: PlaceName) => readonly DescribedModel[],
  heartbeat = '0s',
): Promise<LedgerStage> {
  await using stack = new AsyncDisposableStack();
  const places: Place[] = [];
  for (const name of names) places.push(placeAt(name, stack.use(await startPlace(name, modelsAt(name)))));
  const endpoints = places.map(({ endpoint: { url, kind } }) => ({ url, kind }));
  const router = stack.use(await startRouter({ endpoints, requests: { keep: 500 }, timeouts: { heartbeat } }, ONCE));
  const started = stack.move();
  return { router, places, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** A model that does whatever can be asked of one. */
export function ableModel(name: string, thinks = false): DescribedModel {
  const able = ['completion', 'tools', 'embedding', 'audio', 'rerank'] as const;
  return { name, capabilities: thinks ? [...able, 'thinking'] : able, reasoningTokens: 4 };
}

/** With all of its models in memory. */
function startPlace(name: PlaceName, models: readonly DescribedModel[]): Promise<SimulatedEndpoint> {
  const loaded = models.map((model) => model.name);
  return startSimulatedEndpoint({ ...PLACES[name], models, loaded, maxLoaded: 1_000, recordLimit: 200 });
}

function placeAt(name: PlaceName, endpoint: SimulatedEndpoint): Place {
  const { lacks = [] }: SimulatedEndpointOptions = PLACES[name];
  const { has = [] }: SimulatedEndpointOptions = PLACES[name];
  const usual = endpoint.kind === 'openai' ? ['/v1/messages', '/v1/rerank', '/v2/rerank'] : [];
  return { name, endpoint, lacks: [...lacks, ...usual.filter((path) => !has.includes(path))] };
}
