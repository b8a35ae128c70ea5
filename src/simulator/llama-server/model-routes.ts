import { renderPrompt } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { ModelUse } from '../machine.ts';
import { type Body, textIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { chatCall } from '../openai/read-call.ts';
import type { SimulatedModel } from '../simulation.ts';
import { countTokens, hash } from '../text.ts';
import { readTranscription } from '../transcription.ts';
import { pause } from '../wait.ts';
import { fileNotFound, json } from './answers.ts';
import { checkChat, readBody } from './check.ts';
import { embeddings, ownEmbeddings } from './embeddings.ts';
import { countMessageTokens, messages, responses } from './form-routes.ts';
import { chat, completion, infill, ownCompletion, promptsIn, type Work } from './infer.ts';
import { props, singleList, slots } from './models.ts';
import { rerank } from './rerank.ts';
import { defaultBuild } from './style.ts';
import { transcription } from './transcriptions.ts';

/** Work on a model: in router mode the model is named by the request and loaded first. */
type ModelRoute = (work: Work) => Promise<void>;

const models: ModelRoute = ({ loaded, exchange }) => json(exchange, singleList(loaded));

/** Routes of a server with one model; in router mode all but the lists go to the model that is named. */
const modelRoutes: Readonly<Record<string, ModelRoute>> = {
  'GET /v1/models': models,
  'GET /models': models,
  'GET /props': ({ host, loaded, exchange }) => json(exchange, props(loaded, host.options.version ?? defaultBuild)),
  'GET /slots': slotList,
  'GET /metrics': async () => {
    throw new ApiFailure(501, 'This server does not support metrics endpoint. Start it with `--metrics`');
  },
  'POST /v1/chat/completions': chat,
  'POST /chat/completions': chat,
  'POST /v1/completions': completion,
  'POST /completion': (work) => ownCompletion(work, promptsIn(work.body)[0] ?? ''),
  'POST /completions': (work) => ownCompletion(work, promptsIn(work.body)[0] ?? ''),
  'POST /v1/messages': messages,
  'POST /v1/messages/count_tokens': countMessageTokens,
  'POST /v1/responses': responses,
  'POST /responses': responses,
  'POST /infill': infill,
  'POST /v1/embeddings': embeddings,
  'POST /embeddings': ownEmbeddings,
  'POST /embedding': ownEmbeddings,
  'POST /apply-template': applyTemplate,
  'POST /tokenize': ({ body, exchange }) => json(exchange, { tokens: tokensOf(textIn(body['content']) ?? '') }),
  'POST /v1/rerank': rerank,
  'POST /v1/reranking': rerank,
  'POST /rerank': rerank,
  'POST /reranking': rerank,
  'POST /v1/audio/transcriptions': transcription,
};

/** What does not wake a model that sleeps. */
const quiet = ['GET /props', 'GET /metrics', 'GET /models', 'GET /v1/models'];

/** Whether the server has such a route for its models. */
export function isModelRoute(host: Host, exchange: Exchange, name: string): boolean {
  return modelRoutes[name] !== undefined && !host.lacks(exchange.path);
}

/** Does what a route does on a model, loaded or woken first where it needs to be. */
export async function workOnModel(
  host: Host,
  exchange: Exchange,
  name: string,
  model: SimulatedModel,
  body: Body,
): Promise<void> {
  const handler = isModelRoute(host, exchange, name) ? modelRoutes[name] : undefined;
  if (handler === undefined) throw fileNotFound();
  using use: ModelUse = await host.machine.use(model, {}, exchange.signal);
  const { loaded } = use;
  if (loaded.isAsleep && !quiet.includes(name)) {
    await pause(model.loadMs ?? host.machine.options.loadMs, exchange.signal);
    loaded.isAsleep = false;
  }
  await handler({ host, loaded, body, exchange });
}

/** The body of a request; of a form only the model that it names. */
export async function bodyOf(exchange: Exchange): Promise<Body> {
  if (exchange.method !== 'POST') return {};
  if (exchange.path !== '/v1/audio/transcriptions') return readBody(exchange.text);
  return { model: (await readTranscription(exchange))?.model ?? '' };
}

async function applyTemplate({ host, loaded, body, exchange }: Work): Promise<void> {
  checkChat(body, loaded.model, host.options);
  await json(exchange, { prompt: renderPrompt(chatCall(loaded.model, body).messages) });
}

async function slotList({ loaded, exchange }: Work): Promise<void> {
  if (exchange.url.searchParams.has('fail_on_no_slot') && loaded.pool.isFull) {
    throw new ApiFailure(503, 'no slot available');
  }
  await exchange.send(200, [['Content-Type', 'application/json; charset=utf-8']], JSON.stringify(slots(loaded)));
}

function tokensOf(text: string): number[] {
  return Array.from({ length: countTokens(text) }, (_, i) => hash(text.slice(4 * i, 4 * i + 4)) % 32_000);
}
