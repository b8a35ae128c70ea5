import type { Endpoint } from '../../../src/domain/endpoint.ts';
import type { ListedModel } from '../../../src/domain/model.ts';
import { type Outcome, RequestRecord, type RouteReason } from '../../../src/domain/request-record.ts';
import { errorKind } from '../../../src/errors.ts';
import { Catalog } from '../../../src/routing/catalog.ts';
import { Slots } from '../../../src/routing/slots.ts';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics/metrics.ts';
import { endpointOf, modelOf } from '../../support/listings.ts';
import { type ParsedFamily, parsed } from './parsed.ts';

export const gpuA = endpointOf('ollama', { name: 'gpu-a' });
export const gpuB = endpointOf('llama-server', { name: 'gpu-b', slots: 4 });
export const hosted = endpointOf('openai', { name: 'hosted' });

/** Metrics of three endpoints that have what they are told. */
export interface Stage {
  readonly metrics: Metrics;
  readonly catalog: Catalog;
  readonly slots: Slots;
  /** What a scrape gives now. */
  scrape(): Map<string, ParsedFamily>;
  has(endpoint: Endpoint, ...models: readonly (string | ListedModel)[]): void;
}

export function stage(): Stage {
  const catalog = new Catalog([gpuA, gpuB, hosted]);
  const slots = new Slots();
  const others = {
    sseClients: () => 3,
    storeUp: () => true,
    logDropped: () => 7,
    requestsDropped: () => 8,
    spansDropped: () => 9,
  };
  const metrics = createMetrics({ catalog, slots, defaultSlots: 2, version: '1.2.3', ...others });
  return {
    metrics,
    catalog,
    slots,
    scrape: () => parsed(metrics.text(false), 'text'),
    has(endpoint, ...models) {
      const listed = models.map((model) => (typeof model === 'string' ? modelOf(model) : model));
      catalog.found(endpoint, { version: '1', models: listed });
    },
  };
}

/** What happened to a request; times in milliseconds after it came. */
export interface Story {
  readonly at?: number;
  readonly key?: string;
  readonly route?: string | undefined;
  /** Endpoints asked in vain, each with its error. */
  readonly tried?: readonly (readonly [endpoint: Endpoint, error: Error])[];
  readonly endpoint?: Endpoint;
  readonly model?: string;
  readonly loaded?: boolean;
  readonly reason?: RouteReason;
  readonly placedMs?: number;
  readonly firstPieceMs?: number;
  readonly loadMs?: number;
  readonly tokens?: readonly [prompt: number, completion: number];
  readonly estimated?: boolean;
  readonly error?: string;
  readonly totalMs?: number;
  readonly outcome?: Outcome;
  readonly status?: number;
}

/** The record of a request that is over, filled in as the router does. */
export function recordOf(story: Story): RequestRecord {
  let now = 0;
  const client = { address: '127.0.0.1', agent: 'test/1', key: story.key };
  const received = { id: 'r', method: 'POST', path: '/', client, traceparent: undefined };
  const record = new RequestRecord(received, story.at ?? 0, () => now);
  record.route = 'route' in story ? story.route : '/api/chat';
  const place = (endpoint: Endpoint) => {
    const model = modelOf(story.model ?? 'm', { loaded: story.loaded ?? true });
    record.placed({ endpoint, model, reason: story.reason ?? 'only_endpoint', considered: [] });
  };
  now = story.placedMs ?? 0;
  for (const [endpoint, error] of story.tried ?? []) {
    place(endpoint);
    record.tried({ endpoint, kind: errorKind(error), message: error.message });
  }
  if (story.endpoint !== undefined) place(story.endpoint);
  record.firstPieceMs = story.firstPieceMs;
  if (story.loadMs !== undefined) record.timings = { loadMs: story.loadMs, promptMs: 0, completionMs: 0 };
  const { estimated = false, tokens } = story;
  if (tokens !== undefined) {
    const [promptTokens, completionTokens] = tokens;
    record.addTokens({ promptTokens, completionTokens, promptEstimated: estimated, completionEstimated: estimated });
  }
  if (story.error !== undefined) record.error = { code: story.error, message: 'because' };
  now = story.totalMs ?? 0;
  record.end(story.outcome ?? 'ok', story.status ?? 200);
  return record;
}
