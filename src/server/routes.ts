import { countTokens, messages } from '../protocols/anthropic/operations.ts';
import { transcriptions, translations } from '../protocols/audio/operations.ts';
import type { Operation } from '../protocols/call.ts';
import { copy, create, pull, remove } from '../protocols/ollama/management.ts';
import { chat, embed, embeddings, generate } from '../protocols/ollama/operations.ts';
import { systemOne } from '../protocols/ollama/systemone.ts';
import { completions } from '../protocols/openai/completions.ts';
import { openaiEmbeddings } from '../protocols/openai/embeddings.ts';
import { chatCompletions } from '../protocols/openai/operations.ts';
import { rerankAt } from '../protocols/rerank/operations.ts';
import { responses } from '../protocols/responses/operations.ts';
import type { Line } from '../relay/line.ts';
import { Uploads } from '../relay/uploads.ts';
import type { Metrics } from '../telemetry/metrics/metrics.ts';
import type { RequestView } from '../telemetry/request-view.ts';
import type { Requests } from '../telemetry/requests.ts';
import type { Statistics } from '../usage/statistics.ts';
import type { BodyBudget } from './body.ts';
import { account, status } from './handlers/account.ts';
import { hasBlob, uploadsBlob } from './handlers/blobs.ts';
import { inference } from './handlers/inference.ts';
import { onTargets, pushModel, whereverItIs } from './handlers/management.ts';
import { metricsPage } from './handlers/metrics.ts';
import { modelById, modelList, ps, psDetails, showModel, tags } from './handlers/models.ts';
import { cancelRequest, requestById, requestList } from './handlers/requests.ts';
import { configuration, health, isLive, ready, running, usage, usageStream, version } from './handlers/state.ts';
import { aggregate, stats, tokenCounts } from './handlers/statistics.ts';
import type { Route } from './route.ts';
import type { Live, UsageStream } from './usage-stream.ts';

const GET = ['GET', 'HEAD'];
const POST = ['POST'];

/** What the handlers need. */
export interface RouteParts extends Observed {
  readonly line: Line;
  readonly budget: BodyBudget;
  readonly keyRequired: boolean;
}

/** What counts, keeps and shows what goes on. */
export interface Observed {
  readonly statistics: Statistics;
  readonly requests: Requests;
  readonly viewOf: RequestView;
  /** Whether requests are kept by the statistics, too. */
  readonly keepsRequests: boolean;
  readonly live: Live;
  readonly stream: UsageStream;
  readonly metrics: Metrics;
}

/** Every route of the router. Those without `open` need the router's key, where there is one. */
export function routes(parts: RouteParts): Route[] {
  const { line, budget, statistics, requests, viewOf, live, stream, metrics } = parts;
  const { catalog } = line.router;
  const kept = parts.keepsRequests ? statistics : undefined;
  const onAccount = (path: string, methods: readonly string[]): Route => {
    return { path, methods, handler: account(line, budget, path) };
  };
  const uploads = new Uploads();
  const asks = (operation: Operation): Route => {
    return { path: operation.path, methods: POST, work: true, handler: inference(line, budget, operation) };
  };
  return [
    // Ollama
    { path: '/', methods: GET, open: ['HEAD'], handler: running },
    asks(chat),
    asks(generate),
    asks(embed),
    asks(embeddings),
    asks(systemOne),
    { path: '/api/show', methods: POST, handler: showModel(line, budget) },
    { path: '/api/tags', methods: GET, handler: tags(line) },
    { path: '/api/ps', methods: GET, handler: ps(line) },
    { path: '/api/ps_details', methods: GET, handler: psDetails(line) },
    { path: '/api/version', methods: GET, handler: version(catalog) },
    // Ollama's accounts and cloud
    { path: '/api/status', methods: GET, handler: status(line, budget) },
    onAccount('/api/me', POST),
    onAccount('/api/signout', POST),
    onAccount('/api/user/keys/*', ['DELETE']),
    onAccount('/api/experimental/*', [...GET, ...POST]),
    // Ollama, concerning the models that its servers keep
    { path: '/api/pull', methods: POST, work: true, handler: onTargets(line, budget, uploads, pull) },
    { path: '/api/create', methods: POST, work: true, handler: onTargets(line, budget, uploads, create) },
    { path: '/api/push', methods: POST, work: true, handler: pushModel(line, budget) },
    { path: '/api/copy', methods: POST, handler: whereverItIs(line, budget, 'POST', copy) },
    { path: '/api/delete', methods: ['DELETE'], handler: whereverItIs(line, budget, 'DELETE', remove) },
    { path: '/api/blobs/*', methods: ['HEAD'], handler: hasBlob(line) },
    { path: '/api/blobs/*', methods: POST, handler: uploadsBlob(line, uploads) },
    // OpenAI
    asks(chatCompletions),
    asks(completions),
    asks(openaiEmbeddings),
    asks(responses),
    asks(transcriptions),
    asks(translations),
    { path: '/v1/models', methods: GET, handler: modelList(line) },
    { path: '/v1/models/*', methods: GET, handler: modelById(line) },
    // Rerank, under the paths of all who have it
    ...['/v1/rerank', '/v2/rerank', '/rerank', '/v1/reranking', '/reranking'].map((path) => asks(rerankAt(path))),
    // Anthropic
    asks(messages),
    asks(countTokens),
    // The router's own
    { path: '/health', methods: GET, handler: health(catalog, statistics) },
    { path: '/health/live', methods: GET, open: GET, handler: isLive },
    { path: '/health/ready', methods: GET, open: GET, handler: ready(catalog) },
    { path: '/api/config', methods: GET, handler: configuration(catalog, parts.keyRequired) },
    { path: '/api/usage', methods: GET, handler: usage(live) },
    { path: '/api/usage-stream', methods: ['GET'], handler: usageStream(stream) },
    { path: '/api/token_counts', methods: GET, handler: tokenCounts(statistics) },
    { path: '/api/stats', methods: POST, handler: stats(statistics, budget, catalog) },
    { path: '/api/aggregate_time_series_days', methods: POST, handler: aggregate(statistics, budget) },
    { path: '/router/requests', methods: GET, handler: requestList(requests, viewOf, kept) },
    { path: '/router/requests/*', methods: GET, handler: requestById(requests, viewOf, kept) },
    { path: '/router/requests/*', methods: POST, handler: cancelRequest(requests) },
    { path: '/metrics', methods: GET, handler: metricsPage(metrics) },
  ];
}
