import { defaultConfig } from '../config/load.ts';
import type { Overrides } from '../config/overrides.ts';
import { type Fleet, startFleet } from '../simulator/fleet.ts';
import type { ModelDescription, Speed } from '../simulator/simulation.ts';
import { run } from './serve.ts';

const GPU: Speed = { prefillTokensPerSecond: 2_000, decodeTokensPerSecond: 40 };
const SMALL_GPU: Speed = { prefillTokensPerSecond: 800, decodeTokensPerSecond: 20 };
const GIB = 1024 ** 3;

const QWEN: ModelDescription = {
  name: 'qwen3:8b',
  size: Math.round(5.2 * GIB),
  vram: 6 * GIB,
  capabilities: ['completion', 'tools', 'thinking'],
};
const LLAMA: ModelDescription = {
  name: 'llama3.2:3b',
  size: 2 * GIB,
  vram: 3 * GIB,
  capabilities: ['completion', 'tools'],
};
const GEMMA: ModelDescription = {
  name: 'gemma3:4b',
  size: Math.round(3.3 * GIB),
  vram: 5 * GIB,
  capabilities: ['completion', 'vision'],
};

/** Starts the router in front of a simulated fleet and prints requests to paste. */
export async function demo(overrides: Overrides): Promise<void> {
  const fleet = await startFleet({
    'gpu-a': {
      kind: 'ollama',
      models: [QWEN, LLAMA],
      loaded: ['llama3.2:3b'],
      slots: 2,
      vramBytes: 8 * GIB,
      speed: GPU,
      loadMs: 3_000,
    },
    'gpu-b': {
      kind: 'ollama',
      models: [QWEN, LLAMA, GEMMA],
      slots: 2,
      vramBytes: 12 * GIB,
      speed: SMALL_GPU,
      loadMs: 5_000,
    },
    llama: { kind: 'llama-server', models: ['gpt-oss-20b'], slots: 4, speed: GPU },
    hosted: { kind: 'openai', models: ['gpt-4o-mini'], speed: GPU },
  });
  const address = await run(demoConfig(fleet, overrides), () => void fleet[Symbol.asyncDispose]());
  if (address === undefined) await fleet[Symbol.asyncDispose]();
  else process.stdout.write(invitation(address));
}

function demoConfig({ endpoints }: Fleet<string>, { host, port }: Overrides) {
  return defaultConfig({
    endpoints: Object.entries(endpoints).map(([name, { url, kind }]) => ({ url, name, kind })),
    max_concurrent_connections: 2,
    db_path: 'none',
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
  });
}

function invitation(address: string): string {
  return `
  Four simulated machines answer here, with made-up text. Paste into another terminal:

    curl ${address}/api/chat -d '{"model":"llama3.2:3b","messages":[{"role":"user","content":"Hello!"}]}'

    curl ${address}/v1/chat/completions -d '{"model":"gpt-oss-20b","messages":[{"role":"user","content":"Hello!"}]}'

    OLLAMA_HOST=${address} ollama run qwen3:8b "Hello!"

    curl ${address}/api/ps
    curl ${address}/api/usage

  Ctrl-C stops it.
`;
}
