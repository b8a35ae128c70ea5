import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { ApiFailure } from '../openai/failure.ts';
import { json, sendFailure } from './answers.ts';
import { bodyOf, workOnModel } from './model-routes.ts';
import { routeAsRouter } from './router.ts';

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
  await workOnModel(host, exchange, name, loaded.model, await bodyOf(exchange));
}

function checkKey(host: Host, exchange: Exchange): void {
  const { key } = host.options;
  if (key === undefined) return;
  const given = exchange.header('authorization') ?? exchange.header('x-api-key') ?? '';
  if (given.replace(/^Bearer /, '') !== key) throw new ApiFailure(401, 'Invalid API Key');
}
