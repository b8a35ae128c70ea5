import * as z from 'zod';
import type { Path } from './tree.ts';
import {
  age,
  boolean,
  countOrZero,
  duration,
  durationOrZero,
  fraction,
  group,
  host,
  imageHost,
  isScalar,
  list,
  name,
  oneOf,
  origin,
  port,
  positive,
  secret,
  setting,
  size,
  text,
  ttl,
  url,
} from './values.ts';

/** The endpoint of whoever configures none. */
export const LOCAL_OLLAMA = 'http://127.0.0.1:11434';

/** All spellings of the router's key that the reference reads, the first that holds a key counts. */
export const ROUTER_KEYS = [
  'router_api_key',
  'nomyo-router-api-key',
  'nomyo_router_api_key',
  'nomyo-router_api_key',
  'nomyo_router-api_key',
  'NOMYO-ROUTER_API_KEY',
  'NOMYO_ROUTER_API_KEY',
] as const;

const endpointShape = {
  url: url.nullish(),
  name: name.nullish(),
  kind: oneOf(['ollama', 'llama-server', 'vllm', 'openai']).nullish(),
  slots: positive.nullish(),
  key: secret.nullish(),
  models: list(text, 'model names')
    .refine((names) => names.length > 0, { error: () => 'must name a model: without the key all are allowed' })
    .nullish(),
  cloud: setting(boolean, false),
};

/** A URL alone is short for an entry with nothing but a `url`. */
const endpointObject = z.strictObject(endpointShape, {
  error: () => 'must be a URL, or keys such as "url:" and "name:"',
});
const endpoint = z.preprocess((written) => (isScalar(written) ? { url: written } : written), endpointObject);

const limitsShape = {
  body: setting(size, 64 * 2 ** 20),
  held: setting(size, 2 ** 30),
};

const timeoutsShape = {
  connect: setting(duration, 3_000),
  first_byte: setting(duration, 30 * 60_000),
  idle: setting(duration, 10 * 60_000),
  heartbeat: setting(durationOrZero, 10_000),
  client_idle: setting(duration, 5 * 60_000),
  drain: setting(durationOrZero, 30_000),
};

/** What is kept of single requests: how many in memory, whether on disk, and there for how long. */
const requestsShape = {
  keep: setting(countOrZero, 1_000),
  store: setting(boolean, false),
  retention: setting(age, 7 * 24 * 3_600_000),
};

const recoveryShape = {
  context: setting(boolean, false),
  context_ahead: setting(boolean, false),
  tools: setting(boolean, false),
  images: setting(boolean, false),
};

const routerKey = secret.nullish();

const rootShape = {
  endpoints: list(endpoint, 'endpoints').nullish(),
  llama_server_endpoints: list(endpoint, 'endpoints').nullish(),
  management_endpoints: setting(list(text, 'endpoint names'), []),
  max_concurrent_connections: setting(positive, 1),
  api_keys: setting(z.record(z.string(), secret.nullable(), { error: () => 'must hold lines such as URL: KEY' }), {}),
  router_api_key: routerKey,
  'nomyo-router-api-key': routerKey,
  nomyo_router_api_key: routerKey,
  'nomyo-router_api_key': routerKey,
  'nomyo_router-api_key': routerKey,
  'NOMYO-ROUTER_API_KEY': routerKey,
  NOMYO_ROUTER_API_KEY: routerKey,
  host: setting(host, '127.0.0.1'),
  port: setting(port, 12_434),
  cors_origins: setting(list(origin, 'origins'), []),
  db_path: setting(text, 'token_counts.db'),
  log_level: setting(oneOf(['error', 'warn', 'info', 'debug']), 'info'),
  log_format: setting(oneOf(['pretty', 'json']), 'pretty'),
  cache_enabled: setting(boolean, false),
  cache_backend: setting(oneOf(['memory', 'sqlite', 'redis']), 'memory'),
  cache_similarity: setting(fraction, 1),
  // The one key where null says something: keep answers for ever.
  cache_ttl: ttl
    .nullable()
    .optional()
    .transform((value) => (value === undefined ? 3600 : value)),
  cache_db_path: setting(text, 'llm_cache.db'),
  cache_redis_url: setting(text, 'redis://localhost:6379/0'),
  cache_history_weight: setting(fraction, 0.3),
  requests: group(requestsShape),
  response_headers: setting(boolean, true),
  recovery: group(recoveryShape),
  image_hosts: setting(list(imageHost, 'host names'), []),
  limits: group(limitsShape),
  timeouts: group(timeoutsShape),
};

/** The whole of `config.yaml`. Every default of the router stands here and nowhere else. */
export const settingsSchema = z.strictObject(rootShape, { error: () => 'must hold settings such as "endpoints:"' });

export type Settings = z.output<typeof settingsSchema>;
/** Settings as they may be written in code. */
export type WrittenSettings = Omit<z.input<typeof settingsSchema>, 'endpoints' | 'llama_server_endpoints'> & {
  readonly endpoints?: (string | z.input<typeof endpointObject>)[];
};
export type EndpointEntry = z.output<typeof endpoint>;

/** The keys that may stand below a path, as `[]` for the file itself or `['endpoints', 0]`; empty where any may. */
export function keysAt(path: Path): readonly string[] {
  const [first] = path;
  if (first === undefined) return Object.keys(rootShape);
  if (first === 'limits') return Object.keys(limitsShape);
  if (first === 'timeouts') return Object.keys(timeoutsShape);
  if (first === 'recovery') return Object.keys(recoveryShape);
  if (first === 'requests') return Object.keys(requestsShape);
  return first === 'endpoints' || first === 'llama_server_endpoints' ? Object.keys(endpointShape) : [];
}

/** Whether the value at this path may be a key, which no message may show. */
export function isSecretPath(path: Path): boolean {
  const [first] = path;
  return (
    first === undefined ||
    first === 'api_keys' ||
    path.at(-1) === 'key' ||
    ROUTER_KEYS.some((spelling) => spelling === first)
  );
}
