import { parseModelName } from '../../domain/model-name.ts';
import { RouterError } from '../../errors.ts';
import type { Catalog } from '../../routing/catalog.ts';
import type { TokenCount } from '../../usage/ledger.ts';
import type { Spent, Statistics } from '../../usage/statistics.ts';
import { within } from '../../usage/within.ts';
import type { BodyBudget } from '../body.ts';
import type { Handler } from '../route.ts';
import { readBucket, readCount, readFlag, readParameters, readTime } from './statistics-query.ts';

/** How long an answer waits for the history, in milliseconds. */
const READY_MS = 2_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 36_500;

/** `GET /api/token_counts`: tokens ever spent, by endpoint and model. */
export function tokenCounts(statistics: Statistics): Handler {
  return async ({ reply }) => {
    await within(statistics.ready, READY_MS, undefined);
    const breakdown = statistics.counts().map(breakdownRow);
    const total = breakdown.reduce((sum, { total_tokens }) => sum + total_tokens, 0);
    reply.json(200, { total_tokens: total, breakdown });
  };
}

/** `POST /api/stats`: tokens of one model, over time and by endpoint. */
export function stats(statistics: Statistics, budget: BodyBudget, catalog: Catalog): Handler {
  return async (visit) => {
    const parameters = await readParameters(visit, budget);
    const model = parameters('model');
    if (typeof model !== 'string' || model === '') {
      throw new RouterError('model_required', 'model is required', { param: 'model' });
    }
    const [from, to] = [readTime(parameters, 'from'), readTime(parameters, 'to')];
    if (from !== undefined && to !== undefined && from > to) {
      throw new RouterError('invalid_parameter', 'from must not be after to', { param: 'from' });
    }
    const bucketSeconds = readBucket(parameters);
    await within(statistics.ready, READY_MS, undefined);
    const models = countedNames(statistics.counts(), model, catalog);
    if (models.length === 0) throw new RouterError('model_not_found', `no tokens of model '${model}' were counted`);
    visit.reply.json(200, statsBody(model, await statistics.stats({ models, from, to, bucketSeconds })));
  };
}

/** `POST /api/aggregate_time_series_days`: sums what is older than so many days into days. */
export function aggregate(statistics: Statistics, budget: BodyBudget): Handler {
  return async (visit) => {
    const parameters = await readParameters(visit, budget);
    const days = readCount(parameters, 'days', DEFAULT_DAYS, MAX_DAYS);
    const trim = readFlag(parameters, 'trim_old');
    const groups = await statistics.aggregate(days, trim);
    visit.reply.json(200, { status: 'ok', days, trim_old: trim, aggregated_groups: groups });
  };
}

function breakdownRow({ endpoint, model, inputTokens, outputTokens, estimatedInputTokens }: TokenCount) {
  return {
    endpoint,
    model,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(estimatedInputTokens > 0 && { estimated_input_tokens: estimatedInputTokens }),
  };
}

function statsBody(model: string, { points, bucketSeconds, complete, byEndpoint, ...sums }: Spent) {
  const series = points.map(({ endpoint, timestamp, inputTokens, outputTokens }) => ({
    endpoint,
    timestamp,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  }));
  return {
    model,
    input_tokens: sums.inputTokens,
    output_tokens: sums.outputTokens,
    total_tokens: sums.inputTokens + sums.outputTokens,
    time_series: series,
    endpoint_distribution: Object.fromEntries(byEndpoint),
    bucket: bucketSeconds,
    ...(!complete && { complete }),
  };
}

/** The name itself where tokens are counted under it, else all that mean the same model. */
function countedNames(counts: readonly TokenCount[], name: string, catalog: Catalog): string[] {
  const counted = new Set(counts.map(({ model }) => model));
  if (counted.has(name)) return [name];
  const resolved = new Set(catalog.lookup(name).available.map(({ model }) => model.id));
  const key = keyOf(name);
  return [...counted].filter((model) => resolved.has(model) || keyOf(model) === key);
}

/** Ollama's way to compare names; names that it would refuse are compared without case. */
function keyOf(name: string): string {
  return parseModelName(name)?.key ?? name.toLowerCase();
}
