import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { textIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { SimulatedModel } from '../simulation.ts';
import { Gone, pause } from '../wait.ts';
import { fileNotFound, json } from './answers.ts';
import { bodyOf, isModelRoute, workOnModel } from './model-routes.ts';
import { routerList, routerProps } from './models.ts';
import { defaultBuild } from './style.ts';

/** Answers as a server without a model of its own: the request names one, which is loaded first. */
export async function routeAsRouter(host: Host, exchange: Exchange, name: string): Promise<void> {
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
  if (!isModelRoute(host, exchange, name)) throw fileNotFound();
  const body = await bodyOf(exchange);
  const model = namedModel(host, exchange.method === 'POST' ? (textIn(body['model']) ?? '') : named);
  const autoload = !['false', '0'].includes(exchange.url.searchParams.get('autoload') ?? '');
  if (!autoload && host.machine.findLoaded(model) === undefined) throw new ApiFailure(400, 'model is not loaded');
  passOn(exchange);
  if (model.failsToLoad === true && host.machine.findLoaded(model) === undefined)
    await failToLoad(host, model, exchange.signal);
  host.failed.delete(model.name);
  await workOnModel(host, exchange, name, model, body);
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

/** POST /models/load: answers before the model is loaded. */
async function loadModel(host: Host, exchange: Exchange): Promise<void> {
  const model = host.machine.find(textIn((await bodyOf(exchange))['model']) ?? '');
  if (model === undefined) throw fileNotFound();
  if (host.machine.findLoaded(model) !== undefined) throw new ApiFailure(400, 'model is already running');
  if (model.failsToLoad === true) failInBackground(host, model);
  else loadInBackground(host, model);
  await json(exchange, { success: true });
}

/** Loads a model that nobody waits for; ends quietly when the endpoint is closed. */
export function loadInBackground(host: Host, model: SimulatedModel): void {
  host.failed.delete(model.name);
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
  const model = host.machine.find(textIn((await bodyOf(exchange))['model']) ?? '');
  if (model === undefined) throw new ApiFailure(400, 'model is not found');
  if (host.machine.findLoaded(model) === undefined) throw new ApiFailure(400, 'model is not running');
  host.machine.unload(model);
  await json(exchange, { success: true });
}

/** Its process dies: the list says so until the next attempt. */
async function failToLoad(host: Host, model: SimulatedModel, signal: AbortSignal): Promise<never> {
  await pause(model.loadMs ?? host.machine.options.loadMs, signal);
  host.failed.add(model.name);
  host.changes.changed();
  throw new ApiFailure(500, `model name=${model.name} failed to load`);
}

function failInBackground(host: Host, model: SimulatedModel): void {
  failToLoad(host, model, host.machine.signal).catch((error: unknown) => {
    if (!(error instanceof ApiFailure || error instanceof Gone)) throw error;
  });
}
