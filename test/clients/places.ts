import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { WrittenSettings } from '../../src/config/schema.ts';
import { type Fleet, startFleet } from '../../src/simulator/fleet.ts';
import type { SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { asked } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';

/** Servers that lack the newer routes, where their clients are translated. */
const OLD = ['/v1/messages', '/v1/responses'];

const SERVERS = {
  ollama: { kind: 'ollama', version: '0.33.0' },
  'old-ollama': { kind: 'ollama', lacks: [...OLD, '/v1/chat/completions', '/v1/completions', '/v1/embeddings'] },
  'llama-server': { kind: 'llama-server', embeddings: true },
  'llama-router': { kind: 'llama-server', mode: 'router', embeddings: true },
  'old-llama-server': { kind: 'llama-server', embeddings: true, lacks: OLD },
  vllm: { kind: 'vllm' },
  'old-vllm': { kind: 'vllm', lacks: OLD },
  openai: { kind: 'openai', has: ['/v1/messages', '/v1/rerank'] },
  'old-openai': { kind: 'openai', has: ['/v1/rerank'], lacks: OLD },
} as const satisfies Readonly<Record<string, SimulatedEndpointOptions>>;

/** A kind of server, and whether it is of the old sort. */
export type Place = keyof typeof SERVERS;

export const PLACES = Object.keys(SERVERS) as Place[];

/** The one model that a place has, which can do everything. */
export const modelAt = (place: Place): string => `lab/${place}:q4`;

export const isOld = (place: Place): boolean => place.startsWith('old-');

/** Whether it is an Ollama, which neither ranks nor counts. */
export const isOllama = (place: Place): boolean => SERVERS[place].kind === 'ollama';

/** A PNG as far as its first bytes tell. */
export const PICTURE = 'iVBORw0KGgo=';

/** What a tool takes and an answer must look like. */
export const CITY = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const, description: 'where' } },
  required: ['city'],
  additionalProperties: false,
};

/** One server of every sort behind one router, for the tests of a file. */
export interface Places {
  readonly router: RunningRouter;
  at(place: Place): SimulatedEndpoint;
  /** The paths that a place was asked at since it was last forgotten, models named or not. */
  paths(place: Place): string[];
  /** Resolves when nobody works on anything any more, neither here nor there. */
  atRest(place: Place): Promise<void>;
}

/** Starts them before the tests around it and ends them afterwards. */
export function usePlaces(settings: WrittenSettings = {}): Places {
  let fleet: Fleet<Place> | undefined;
  let router: RunningRouter | undefined;
  before(async () => {
    fleet = await startFleet(Object.fromEntries(PLACES.map((place) => [place, optionsOf(place)])));
    router = await routerBefore(Object.values(fleet.endpoints), settings);
  });
  after(async () => {
    await router?.[Symbol.asyncDispose]();
    await fleet?.[Symbol.asyncDispose]();
  });
  const at = (place: Place) => {
    assert.ok(fleet, 'started');
    return fleet.endpoints[place];
  };
  return {
    get router() {
      assert.ok(router, 'started');
      return router;
    },
    at,
    paths: (place) => asked(at(place)).map(({ path }) => path),
    async atRest(place) {
      await this.router.idle();
      await at(place).waitFor(() => at(place).inFlight() === 0);
    },
  };
}

function optionsOf(place: Place): SimulatedEndpointOptions {
  const name = modelAt(place);
  const capabilities = ['completion', 'tools', 'insert', 'vision', 'embedding', 'thinking', 'audio', 'rerank'] as const;
  return { ...SERVERS[place], models: [{ name, capabilities, embeddingLength: 8 }] };
}
