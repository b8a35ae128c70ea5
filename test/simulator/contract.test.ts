import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { endpointSuite } from '../contract/endpoint-suite.ts';
import type { Target } from '../contract/target.ts';

const tiny = { name: 'tiny', contextLength: 512, capabilities: ['completion'], answerTokens: 100_000 } as const;

/** So slow that only a freed slot lets the request after an abandoned one finish in time. */
function slow(decodeTokensPerSecond: number) {
  return { prefillTokensPerSecond: Number.POSITIVE_INFINITY, decodeTokensPerSecond };
}

async function simulated(options: SimulatedEndpointOptions): Promise<Target> {
  const endpoint = await startSimulatedEndpoint(options);
  const key = options.key === undefined ? {} : { key: options.key };
  return { url: endpoint.url, model: 'tiny', ...key, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

endpointSuite('ollama', 'simulated', () => simulated({ kind: 'ollama', slots: 1, models: [tiny], speed: slow(1000) }));
endpointSuite('llama-server', 'simulated', () =>
  simulated({ kind: 'llama-server', slots: 1, key: 'secret', models: [tiny], speed: slow(30) }),
);
endpointSuite('llama-router', 'simulated', () =>
  simulated({
    kind: 'llama-server',
    mode: 'router',
    maxLoaded: 1,
    slots: 1,
    models: [tiny, { ...tiny, name: 'other' }],
  }),
);
