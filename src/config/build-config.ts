import type { Secret } from '../domain/secret.ts';
import type { CacheConfig, Config, Limits, RecoveryConfig, RequestsConfig, Timeouts } from './config.ts';
import { ConfigError } from './config-error.ts';
import { buildEndpoints } from './endpoints.ts';
import type { Env, Unset } from './expand.ts';
import type { Findings } from './findings.ts';
import { reportIssues } from './issues.ts';
import { ROUTER_KEYS, type Settings, settingsSchema } from './schema.ts';
import type { Tree } from './tree.ts';
import { formatSize } from './units.ts';
import { warnOfUnset } from './unset-warnings.ts';

/** Settings on their way to a configuration. */
export interface Draft {
  /** As the schema shall read them. */
  readonly settings: unknown;
  /** As they were written, with variables in them. */
  readonly written: Tree;
  readonly unset: readonly Unset[];
  readonly env: Env;
  readonly file: string | undefined;
  readonly findings: Findings;
}

/** Checks everything and freezes it, or throws all faults as one `ConfigError`. */
export function buildConfig(draft: Draft): Config {
  const { unset, env, file, findings } = draft;
  const settings = readSettings(draft);
  const endpoints = buildEndpoints(settings, { env, unset, findings });
  const routerKey = chooseRouterKey(settings, findings);
  const limits = limitsOf(settings, findings);
  findings.check();
  warnOfUnset(unset, routerKey === undefined, findings);
  const cache = cacheOf(settings, findings);
  return deepFreeze({
    file,
    host: settings.host,
    port: settings.port,
    endpoints,
    maxConcurrentConnections: settings.max_concurrent_connections,
    routerKey,
    corsOrigins: settings.cors_origins.filter((origin) => origin !== null),
    // The reference knows no such word; a file of that name is "./none".
    dbPath: settings.db_path === 'none' ? undefined : settings.db_path,
    requests: requestsOf(settings),
    log: { level: settings.log_level, format: settings.log_format },
    responseHeaders: settings.response_headers,
    cache,
    recovery: recoveryOf(settings),
    imageHosts: settings.image_hosts.filter((host) => host !== null),
    limits,
    timeouts: timeoutsOf(settings),
    warnings: findings.warnings,
  });
}

function readSettings({ settings, written, findings }: Draft): Settings {
  const parsed = settingsSchema.safeParse(settings);
  if (parsed.success) return parsed.data;
  reportIssues(parsed.error.issues, written, findings);
  findings.check();
  throw new ConfigError('the settings are not valid', { cause: parsed.error });
}

function chooseRouterKey(settings: Settings, findings: Findings): Secret | undefined {
  const [used, ...others] = ROUTER_KEYS.filter((spelling) => settings[spelling]);
  for (const other of others) findings.warn([other], `${other} is not used: the router's key stands under ${used}`);
  return used === undefined ? undefined : (settings[used] ?? undefined);
}

function cacheOf(settings: Settings, findings: Findings): CacheConfig {
  if (settings.cache_enabled) findings.warn(['cache_enabled'], 'cache_enabled: this version has no answer cache yet');
  return {
    enabled: settings.cache_enabled,
    backend: settings.cache_backend,
    similarity: settings.cache_similarity,
    ttl: settings.cache_ttl,
    dbPath: settings.cache_db_path,
    redisUrl: settings.cache_redis_url,
    historyWeight: settings.cache_history_weight,
  };
}

function limitsOf({ limits: { body, held } }: Settings, findings: Findings): Limits {
  if (body > held) {
    const [small, large] = [formatSize(held), formatSize(body)];
    findings.faultOfKey(['limits', 'held'], `limits.held (${small}) is smaller than limits.body (${large})`);
  }
  return { bodyBytes: body, heldBytes: held };
}

function requestsOf({ requests: { keep, store, retention } }: Settings): RequestsConfig {
  return { keep, storedMs: store ? retention : undefined };
}

function recoveryOf({ recovery }: Settings): RecoveryConfig {
  const { context, context_ahead: contextAhead, tools, images } = recovery;
  return { context, contextAhead, tools, images };
}

function timeoutsOf({ timeouts }: Settings): Timeouts {
  const { connect, first_byte: firstByte, idle, heartbeat, client_idle: clientIdle, drain } = timeouts;
  return { connect, firstByte, idle, heartbeat, clientIdle, drain };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
