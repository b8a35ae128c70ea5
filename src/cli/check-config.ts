import { stringify } from 'yaml';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/config-error.ts';
import { loadConfig, type Sources } from '../config/load.ts';
import { formatDuration, formatSize } from '../config/units.ts';
import type { Endpoint } from '../domain/endpoint.ts';

/** What the command prints, and how the process exits. */
export interface Report {
  readonly exitCode: 0 | 3;
  readonly stdout: string;
  readonly stderr: string;
}

/** Checks a configuration without starting anything, and shows what would be in effect as a configuration file. */
export function checkConfig(sources: Sources): Report {
  try {
    const config = loadConfig(sources);
    return {
      exitCode: 0,
      stdout: describe(config),
      stderr: config.warnings.map((text) => `warning: ${text}\n`).join(''),
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { exitCode: error.exitCode, stdout: '', stderr: `${error.message}\n` };
  }
}

function describe(config: Config): string {
  const from = config.file === undefined ? 'no configuration file' : config.file;
  const warnings = config.warnings.length === 0 ? '' : `, ${count(config.warnings.length, 'warning')}`;
  const title = `# ${from}: valid, ${count(config.endpoints.length, 'endpoint')}${warnings}. In effect:\n`;
  return title + stringify(toSettings(config), { lineWidth: 0 });
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}

/** The settings as the file would hold them, keys as `***`. */
function toSettings(config: Config): object {
  const { cache, limits, requests, timeouts } = config;
  return {
    endpoints: config.endpoints.map(toEntry),
    management_endpoints: managedNames(config.endpoints),
    max_concurrent_connections: config.maxConcurrentConnections,
    router_api_key: config.routerKey?.toString() ?? null,
    host: config.host,
    port: config.port,
    cors_origins: config.corsOrigins,
    db_path: config.dbPath ?? 'none',
    log_level: config.log.level,
    log_format: config.log.format,
    cache_enabled: cache.enabled,
    cache_backend: cache.backend,
    cache_similarity: cache.similarity,
    cache_ttl: cache.ttl,
    cache_db_path: cache.dbPath,
    cache_redis_url: cache.redisUrl.replace(/\/\/.*@/, '//***@'),
    cache_history_weight: cache.historyWeight,
    requests: {
      keep: requests.keep,
      store: requests.storedMs !== undefined,
      ...(requests.storedMs !== undefined && { retention: formatDuration(requests.storedMs) }),
    },
    response_headers: config.responseHeaders,
    limits: { body: formatSize(limits.bodyBytes), held: formatSize(limits.heldBytes) },
    timeouts: {
      connect: formatDuration(timeouts.connect),
      first_byte: formatDuration(timeouts.firstByte),
      idle: formatDuration(timeouts.idle),
      client_idle: formatDuration(timeouts.clientIdle),
      drain: formatDuration(timeouts.drain),
    },
  };
}

/** Empty where all are. */
function managedNames(endpoints: readonly Endpoint[]): string[] {
  if (endpoints.every(({ managed }) => managed !== false)) return [];
  return endpoints.filter(({ kind, managed }) => kind === 'ollama' && managed !== false).map(({ name }) => name);
}

function toEntry({ url, name, kind, slots, key, models, cloud }: Endpoint): object {
  return {
    url,
    name,
    kind,
    ...(slots !== undefined && { slots }),
    ...(key && { key: key.toString() }),
    ...(models && { models }),
    cloud,
  };
}
