import { renderPrompt } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { ModelUse } from '../machine.ts';
import { type Body, textIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { chatCall } from '../openai/read-call.ts';
import type { SimulatedModel } from '../simulation.ts';
import { countTokens, hash } from '../text.ts';
import { Gone } from '../wait.ts';
import { fileNotFound, json, sendFailure } from './answers.ts';
import { readBody } from './check.ts';
import { chat, completion, embeddings, infill, ownCompletion, type Work } from './infer.ts';
import { props, routerList, routerProps, singleList, slots } from './models.ts';
import { defaultBuild } from './style.ts';

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
  'POST /completion': (work) => ownCompletion(work, String(work.body['prompt'] ?? '')),
  'POST /completions': (work) => ownCompletion(work, String(work.body['prompt'] ?? '')),
  'POST /infill': infill,
  'POST /v1/embeddings': embeddings,
  'POST /apply-template': ({ loaded, body, exchange }) =>
    json(exchange, { prompt: renderPrompt(chatCall(loaded.model, body).messages) }),
  'POST /tokenize': ({ body, exchange }) => json(exchange, { tokens: tokensOf(textIn(body['content']) ?? '') }),
  'POST /v1/rerank': async () => {
    throw new ApiFailure(501, 'This server does not support reranking. Start it with `--reranking`');
  },
};

async function slotList({ loaded, exchange }: Work): Promise<void> {
  if (exchange.url.searchParams.has('fail_on_no_slot') && loaded.pool.isFull) {
    throw new ApiFailure(503, 'no slot available');
  }
  await exchange.send(200, [['Content-Type', 'application/json; charset=utf-8']], JSON.stringify(slots(loaded)));
}

function tokensOf(text: string): number[] {
  return Array.from({ length: countTokens(text) }, (_, i) => hash(text.slice(4 * i, 4 * i + 4)) % 32_000);
}

/** Answers one request as llama-server does. */
export async function answerAsLlamaServer(host: Host, exchange: Exchange): Promise<void> {
  exchange.addHeaders([
    ['Server', 'llama.cpp'],
    ['Access-Control-Allow-Origin', exchange.header('origin') ?? ''],
  ]);
  try {
    await route(host, exchange);
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error;
    await sendFailure(exchange, error);
  }
}

async function route(host: Host, exchange: Exchange): Promise<void> {
  const name = `${exchange.method === 'HEAD' ? 'GET' : exchange.method} ${exchange.path}`;
  const isHealth = name === 'GET /health' || name === 'GET /v1/health';
  if (!isHealth) checkKey(host, exchange);
  if (host.options.mode === 'router') {
    return isHealth ? json(exchange, { status: 'ok' }) : routeAsRouter(host, exchange, name);
  }
  const loaded = host.machine.loaded[0];
  if (loaded?.state !== 'ready') throw new ApiFailure(503, 'Loading model');
  if (isHealth) return json(exchange, { status: 'ok' });
  await work(host, exchange, name, loaded.model, bodyOf(exchange));
}

function checkKey(host: Host, exchange: Exchange): void {
  const { key } = host.options;
  if (key === undefined) return;
  const given = exchange.header('authorization') ?? exchange.header('x-api-key') ?? '';
  if (given.replace(/^Bearer /, '') !== key) throw new ApiFailure(401, 'Invalid API Key');
}

function bodyOf(exchange: Exchange): Body {
  return exchange.method === 'POST' ? readBody(exchange.text) : {};
}

async function routeAsRouter(host: Host, exchange: Exchange, name: string): Promise<void> {
  const named = exchange.url.searchParams.get('model') ?? '';
  switch (name) {
    case 'GET /models':
    case 'GET /v1/models':
      return json(exchange, routerList(host));
    case 'POST /models/load':
      return loadModel(host, exchange);
    case 'POST /models/unload':
      return unloadModel(host, exchange);
    case 'GET /props':
      if (named === '') {
        const build = host.options.version ?? defaultBuild;
        return json(exchange, routerProps(host.machine.options.maxLoaded, build));
      }
  }
  if (modelRoutes[name] === undefined) throw fileNotFound();
  const body = bodyOf(exchange);
  const model = namedModel(host, exchange.method === 'POST' ? (textIn(body['model']) ?? '') : named);
  const autoload = !['false', '0'].includes(exchange.url.searchParams.get('autoload') ?? '');
  if (!autoload && host.machine.findLoaded(model) === undefined) throw new ApiFailure(400, 'model is not loaded');
  passOn(exchange);
  await work(host, exchange, name, model, body);
}

/** What comes from a model's own process is chunked; the connection closes unless the client asked to keep it. */
function passOn(exchange: Exchange): void {
  exchange.sendsChunked = true;
  const keeps = exchange.header('connection')?.toLowerCase() === 'keep-alive';
  exchange.addHeaders([['X-Accel-Buffering', 'no'], ...(keeps ? [] : [['Connection', 'close'] as const])]);
}

function namedModel(host: Host, name: string): SimulatedModel {
  if (name === '') throw new ApiFailure(400, 'model name is missing from the request');
  const model = host.machine.find(name);
  if (model === undefined) throw new ApiFailure(400, `model '${name}' not found`);
  return model;
}

async function work(host: Host, exchange: Exchange, name: string, model: SimulatedModel, body: Body): Promise<void> {
  const handler = modelRoutes[name];
  if (handler === undefined) throw fileNotFound();
  using use: ModelUse = await host.machine.use(model, {}, exchange.signal);
  await handler({ host, loaded: use.loaded, body, exchange });
}

/** POST /models/load: answers before the model is loaded. */
async function loadModel(host: Host, exchange: Exchange): Promise<void> {
  const model = host.machine.find(textIn(bodyOf(exchange)['model']) ?? '');
  if (model === undefined) throw fileNotFound();
  if (host.machine.findLoaded(model) !== undefined) throw new ApiFailure(400, 'model is already running');
  loadInBackground(host, model);
  await json(exchange, { success: true });
}

/** Loads a model that nobody waits for; ends quietly when the endpoint is closed. */
export function loadInBackground(host: Host, model: SimulatedModel): void {
  const loading = host.machine.use(model, {}, host.machine.signal);
  loading.then(
    (use) => use[Symbol.dispose](),
    (error: unknown) => {
      if (!(error instanceof Gone)) throw error;
    },
  );
}

/** POST /models/unload. */
async function unloadModel(host: Host, exchange: Exchange): Promise<void> {
  const model = host.machine.find(textIn(bodyOf(exchange)['model']) ?? '');
  if (model === undefined) throw new ApiFailure(400, 'model is not found');
  if (host.machine.findLoaded(model) === undefined) throw new ApiFailure(400, 'model is not running');
  host.machine.unload(model);
  await json(exchange, { success: true });
}
