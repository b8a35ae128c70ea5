import type { Env } from './expand.ts';
import type { Findings } from './findings.ts';
import type { Places } from './places.ts';
import { ROUTER_KEYS } from './schema.ts';
import { isTreeMap, type Tree } from './tree.ts';

/** What the command line says; it beats the environment, which beats the file. */
export interface Overrides {
  /** The configuration file. */
  readonly config?: string;
  readonly host?: string;
  readonly port?: number;
  /** URLs that stand in place of both lists of the file. */
  readonly endpoints?: readonly string[];
}

/** A top-level setting with the variable or option that gives it. */
interface Override {
  readonly key: string;
  readonly value: Tree;
  readonly source: string;
}

/** Variable, setting. Of two with the same setting the later wins. */
const VARIABLES: readonly (readonly [string, string])[] = [
  ['UVICORN_HOST', 'host'],
  ['UVICORN_PORT', 'port'],
  ['NOMYO_ROUTER_HOST', 'host'],
  ['NOMYO_ROUTER_PORT', 'port'],
  ['NOMYO_ROUTER_DB_PATH', 'db_path'],
  ['NOMYO_ROUTER_LOG_LEVEL', 'log_level'],
  ['NOMYO_ROUTER_LOG_FORMAT', 'log_format'],
  ['NOMYO_ROUTER_CACHE_ENABLED', 'cache_enabled'],
  ['NOMYO_ROUTER_CACHE_BACKEND', 'cache_backend'],
  ['NOMYO_ROUTER_CACHE_SIMILARITY', 'cache_similarity'],
  ['NOMYO_ROUTER_CACHE_TTL', 'cache_ttl'],
  ['NOMYO_ROUTER_CACHE_DB_PATH', 'cache_db_path'],
  ['NOMYO_ROUTER_CACHE_REDIS_URL', 'cache_redis_url'],
  ['NOMYO_ROUTER_CACHE_HISTORY_WEIGHT', 'cache_history_weight'],
];

/** All that the environment and the command line set, the strongest last. An empty variable sets nothing. */
export function findOverrides(flags: Overrides, env: Env, file: Tree): readonly Override[] {
  const fromVariables = VARIABLES.flatMap(([source, key]) => {
    const value = env[source];
    return value ? [{ key, value, source }] : [];
  });
  return [...fromVariables, ...routerKey(env, file), ...fromFlags(flags)];
}

/** The one setting where the file comes first. */
function routerKey(env: Env, file: Tree): Override[] {
  const value = env['NOMYO_ROUTER_API_KEY'];
  const inFile = ROUTER_KEYS.some((key) => isTreeMap(file) && file[key]);
  return value && !inFile ? [{ key: 'router_api_key', value, source: 'NOMYO_ROUTER_API_KEY' }] : [];
}

function fromFlags({ host, port, endpoints }: Overrides): Override[] {
  const flags: Override[] = [];
  if (host !== undefined) flags.push({ key: 'host', value: host, source: '--host' });
  if (port !== undefined) flags.push({ key: 'port', value: String(port), source: '--port' });
  if (endpoints === undefined || endpoints.length === 0) return flags;
  flags.push({ key: 'endpoints', value: endpoints, source: '--endpoint' });
  flags.push({ key: 'llama_server_endpoints', value: null, source: '--endpoint' });
  return flags;
}

/** A copy of the settings with the overrides in it. What is no map is left to be complained about. */
export function applyOverrides(tree: Tree, overrides: readonly Override[]): Tree {
  if (tree !== null && !isTreeMap(tree)) return tree;
  const result: Record<string, Tree> = Object.assign(Object.create(null), tree);
  for (const { key, value } of overrides) result[key] = value;
  return result;
}

export function noteOverrides(overrides: readonly Override[], places: Places, findings: Findings): void {
  for (const { key, source } of overrides) places.addSource(key, source);
  for (const { key, source } of overrides) {
    if (!source.startsWith('UVICORN_') || places.ofValue([key]).label !== source) continue;
    findings.warn([key], `is the reference's variable: NOMYO_ROUTER_${key.toUpperCase()} is this router's`);
  }
}
