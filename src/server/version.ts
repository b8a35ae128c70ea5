import type { EndpointState } from '../routing/catalog.ts';

/** Said where no Ollama server is known: recent enough for clients that ask for a minimum. */
const WITHOUT_OLLAMA = '0.12.6';

/**
 * The lowest version among the Ollama servers that answer, else among those that ever did: `a.b.c`, since clients take
 * it apart as numbers. What follows the numbers (`-rc2`, `-3-gabc`) is left out.
 */
export function lowestVersion(states: readonly EndpointState[]): string {
  const servers = states.filter(({ endpoint, findings }) => endpoint.kind === 'ollama' && findings !== undefined);
  const healthy = servers.filter((state) => state.health === 'healthy');
  const versions = (healthy.length > 0 ? healthy : servers).map((state) => numbersOf(state.findings?.version ?? ''));
  const [lowest] = versions.sort(compare);
  return lowest?.join('.') ?? WITHOUT_OLLAMA;
}

function numbersOf(version: string): number[] {
  const parts = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  return [Number(parts?.[1] ?? 0), Number(parts?.[2] ?? 0), Number(parts?.[3] ?? 0)];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differing = a.findIndex((part, index) => part !== b[index]);
  return differing === -1 ? 0 : (a[differing] ?? 0) - (b[differing] ?? 0);
}
