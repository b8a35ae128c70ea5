import { test } from 'node:test';
import { endpointSuite } from '../contract/endpoint-suite.ts';
import type { Target } from '../contract/target.ts';
import { type RealServer, realServersMissing, startRealLlamaServer, startRealOllama } from './servers.ts';

const missing = realServersMissing();

async function target(starting: Promise<RealServer>, key?: string): Promise<Target> {
  const server = await starting;
  const keyPart = key === undefined ? {} : { key };
  return { url: server.url, model: 'tiny', ...keyPart, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

if (missing === undefined) {
  endpointSuite('ollama', 'real', () => target(startRealOllama()));
  endpointSuite('llama-server', 'real', () =>
    target(startRealLlamaServer({ args: ['--api-key', 'secret'] }), 'secret'),
  );
  endpointSuite('llama-router', 'real', () =>
    target(startRealLlamaServer({ models: ['tiny', 'other'], args: ['--models-max', '1'] })),
  );
} else test('the real servers answer as the simulated ones', { skip: missing }, () => undefined);
