import type { Endpoint } from '../domain/endpoint.ts';
import type { Secret } from '../domain/secret.ts';

/** Everything an operator can set, checked and frozen. Only the composition root sees it whole. */
export interface Config {
  /** The file it was read from, or undefined when there was none. */
  readonly file: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
  /** Slots per endpoint and model where neither the endpoint's entry nor the endpoint itself says otherwise. */
  readonly maxConcurrentConnections: number;
  /** What clients must present; undefined leaves the router open. */
  readonly routerKey: Secret | undefined;
  /** Browser origins that may call the router beside the local ones; `*` means any. */
  readonly corsOrigins: readonly string[];
  /** The SQLite file of the statistics; undefined keeps them in memory only. */
  readonly dbPath: string | undefined;
  readonly requests: RequestsConfig;
  readonly log: LogConfig;
  /** Whether clients are told which endpoint answers, and why. */
  readonly responseHeaders: boolean;
  readonly cache: CacheConfig;
  readonly recovery: RecoveryConfig;
  /** Hosts that images may be fetched from for endpoints that must not do so themselves; `*.` covers what is below. */
  readonly imageHosts: readonly string[];
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  /** What is odd but does not stop the start, each with its place: `config.yaml:7:3 ...`. */
  readonly warnings: readonly string[];
}

/** Everything that must never be told, whoever says it. */
export function secretsOf({ routerKey, endpoints }: Config): string[] {
  return [routerKey, ...endpoints.map(({ key }) => key)].flatMap((secret) => secret?.reveal() ?? []);
}

/** The answer cache's settings: checked today, used by a later version. */
export interface CacheConfig {
  readonly enabled: boolean;
  readonly backend: 'memory' | 'sqlite' | 'redis';
  /** Cosine similarity from which two questions count as equal, 0 to 1; 1 means exact only. */
  readonly similarity: number;
  /** Seconds; null keeps answers for ever. */
  readonly ttl: number | null;
  readonly dbPath: string;
  readonly redisUrl: string;
  /** Weight of the conversation before the last message, 0 to 1. */
  readonly historyWeight: number;
}

/** What is kept of single requests; never prompts or answers. */
export interface RequestsConfig {
  /** How many of the last ones in memory. */
  readonly keep: number;
  /** How long they are kept in the file of the statistics, in milliseconds; undefined: not there. */
  readonly storedMs: number | undefined;
}

interface LogConfig {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly format: 'pretty' | 'json';
}

/** What may be changed in a request that an endpoint has refused, before it is tried once more. */
export interface RecoveryConfig {
  /** Leave the oldest turns out where the conversation is too long; Ollama's routes say so themselves. */
  readonly context: boolean;
  /** Do so before the endpoint refuses, where its context is known. */
  readonly contextAhead: boolean;
  readonly tools: boolean;
  readonly images: boolean;
}

export interface Limits {
  /** Largest request body in bytes, after decompression. */
  readonly bodyBytes: number;
  /** Bytes of all request bodies held at one time; beyond it requests are refused with 503. */
  readonly heldBytes: number;
}

/** All in milliseconds. */
export interface Timeouts {
  /** Until a connection to an endpoint stands. */
  readonly connect: number;
  /** From the sent request to the first byte of the answer: model load, prompt and, without streaming, the whole answer. */
  readonly firstByte: number;
  /** Between two pieces of an answer. */
  readonly idle: number;
  /** How long a stream may be silent before the client gets a sign of life; 0: it gets none. */
  readonly heartbeat: number;
  /** How long a client may leave a ready answer unread before it counts as gone. */
  readonly clientIdle: number;
  /** How long requests in flight may still run after the order to stop. */
  readonly drain: number;
}
