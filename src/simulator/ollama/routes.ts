import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { me, recommendations, signOut, webFetch, webSearch } from './account.ts';
import { headBlob, postBlob } from './blobs.ts';
import { chat } from './chat.ts';
import { answeredBeforeRouting } from './cors.ts';
import { embed, embeddings } from './embed.ts';
import { OllamaFailure } from './failure.ts';
import { generate } from './generate.ts';
import { decodeBody, GoDecodeError, type GoType } from './go-decode.ts';
import { goJson } from './go-json.ts';
import { create, pull, push } from './manage.ts';
import { copy, remove, running, show, tags } from './models.ts';
import {
  chatRequest,
  copyRequest,
  createRequest,
  deleteRequest,
  embeddingsRequest,
  embedRequest,
  generateRequest,
  pullRequest,
  pushRequest,
  showRequest,
  systemOneRequest,
} from './requests.ts';
import { jsonType, NativeSink } from './sink.ts';
import { systemOne } from './systemone.ts';
import { v1Chat, v1Completion, v1Embedding, v1Model, v1Models } from './v1.ts';
import { v1Messages } from './v1-messages.ts';
import { v1Responses } from './v1-responses.ts';
import { v1Transcription } from './v1-transcription.ts';
import { defaultVersion, since } from './version.ts';

/** One request on a route; `parameter` is what stands for `:` in its path. */
type RouteHandler = (host: Host, exchange: Exchange, parameter: string) => Promise<void>;

const textType = [['Content-Type', 'text/plain; charset=utf-8']] as const;
const bareTextType = [['Content-Type', 'text/plain']] as const;

const root: RouteHandler = (_, exchange) => exchange.send(200, textType, 'Ollama is running');
const version: RouteHandler = (host, exchange) => json(exchange, { version: host.options.version ?? defaultVersion });
const list: RouteHandler = (host, exchange) => json(exchange, tags(host));

const unknown: RouteHandler = (_, exchange) => exchange.send(404, bareTextType, '404 page not found');

/** A route that came with a version; a server built from its sources has them all and calls itself 0.0.0. */
function sinceVersion(first: string, handler: RouteHandler): RouteHandler {
  return (host, exchange, parameter) => {
    const has = host.options.version === '0.0.0' || since(host.options.version, first);
    return (has ? handler : unknown)(host, exchange, parameter);
  };
}

/** Every route in one table; `:` stands for a path segment. */
const routes: Readonly<Record<string, Readonly<Record<string, RouteHandler>>>> = {
  '/': { HEAD: root, GET: root },
  '/api/version': { HEAD: version, GET: version },
  '/api/tags': { HEAD: list, GET: list },
  '/api/status': { GET: (_, exchange) => json(exchange, { cloud: { disabled: false, source: 'none' } }) },
  '/api/ps': { GET: (host, exchange) => json(exchange, running(host)) },
  '/api/show': {
    POST: native(showRequest, (host, request, exchange) =>
      json(exchange, show(host, request.model || request.name || '')),
    ),
  },
  '/api/chat': {
    POST: native(chatRequest, (host, request, exchange) => chat(host, request, new NativeSink(exchange), exchange)),
  },
  '/api/generate': {
    POST: native(generateRequest, (host, request, exchange) =>
      generate(host, request, new NativeSink(exchange), exchange),
    ),
  },
  '/api/embed': {
    POST: native(embedRequest, (host, request, exchange) => embed(host, request, new NativeSink(exchange), exchange)),
  },
  '/api/embeddings': {
    POST: native(embeddingsRequest, (host, { model, prompt, keep_alive, options }, exchange) =>
      embeddings(host, { model, prompt, keep_alive, options }, new NativeSink(exchange), exchange),
    ),
  },
  '/api/delete': {
    DELETE: native(deleteRequest, async (host, request, exchange) => {
      remove(host, request.model || request.name || '');
      await exchange.send(200, [], '');
    }),
  },
  '/api/copy': {
    POST: native(copyRequest, async (host, request, exchange) => {
      copy(host, request.source ?? '', request.destination ?? '');
      await exchange.send(200, [], '');
    }),
  },
  '/api/me': { POST: me },
  '/api/signout': { POST: signOut },
  '/api/user/keys/:': { DELETE: signOut },
  '/api/experimental/web_search': { POST: webSearch },
  '/api/experimental/web_fetch': { POST: webFetch },
  '/api/experimental/model-recommendations': { GET: recommendations },
  '/api/pull': { POST: native(pullRequest, pull) },
  '/api/push': { POST: native(pushRequest, push) },
  '/api/create': { POST: native(createRequest, create) },
  '/api/blobs/:': { HEAD: headBlob, POST: postBlob },
  '/v1/chat/completions': { POST: v1Chat },
  '/v1/completions': { POST: v1Completion },
  '/v1/embeddings': { POST: v1Embedding },
  '/v1/messages': { POST: sinceVersion('0.14.0', v1Messages) },
  '/v1/responses': { POST: sinceVersion('0.13.3', v1Responses) },
  '/v1/audio/transcriptions': { POST: sinceVersion('0.20.0', v1Transcription) },
  '/v1/systemone': { POST: sinceVersion('0.33.0', native(systemOneRequest, systemOne)) },
  '/v1/models': { GET: v1Models },
  '/v1/models/:': { GET: v1Model },
};

/** Answers one request as Ollama does. */
export async function answerAsOllama(host: Host, exchange: Exchange): Promise<void> {
  if (await answeredBeforeRouting(exchange, host.options.origins ?? [])) return;
  if (host.lacks(exchange.path)) return unknown(host, exchange, '');
  const { methods, parameter } = matched(exchange.path);
  if (methods === undefined) return notFound(exchange);
  const handler = methods[exchange.method];
  if (handler === undefined) {
    const allow = ['Allow', Object.keys(methods).join(', ')] as const;
    return exchange.send(405, [allow, ...bareTextType], '405 method not allowed');
  }
  await handler(host, exchange, parameter);
}

function matched(path: string): { methods: Readonly<Record<string, RouteHandler>> | undefined; parameter: string } {
  if (/^\/api\/user\/keys\/[^/]+$/.test(path)) return { methods: routes['/api/user/keys/:'], parameter: '' };
  if (/^\/api\/blobs\/[^/]+$/.test(path)) return { methods: routes['/api/blobs/:'], parameter: '' };
  const name = /^\/v1\/models\/(.+)$/.exec(path)?.[1];
  if (name === undefined) return { methods: routes[path], parameter: '' };
  const decoded = lenientlyDecoded(name);
  // One segment, after decoding: any name with a namespace is an unknown path.
  return { methods: decoded.includes('/') ? undefined : routes['/v1/models/:'], parameter: decoded };
}

function lenientlyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** An unknown path, or one that a redirect makes known: without its trailing or doubled slashes. */
async function notFound(exchange: Exchange): Promise<void> {
  const clean = exchange.path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  if (clean === exchange.path || matched(clean).methods === undefined) {
    return exchange.send(404, bareTextType, '404 page not found');
  }
  const isDoubled = exchange.path.includes('//');
  const isRead = exchange.method === 'GET' || exchange.method === 'HEAD';
  const status = isRead && !isDoubled ? 301 : 307;
  const words = status === 301 ? 'Moved Permanently' : 'Temporary Redirect';
  const type = isRead ? ([['Content-Type', 'text/html; charset=utf-8']] as const) : [];
  const body = isRead ? `<a href="${clean}">${words}</a>.\n\n` : '';
  return exchange.send(status, [...type, ['Location', clean]], body);
}

/** A route with a body of Ollama's own API. */
function native<T>(
  type: GoType<T>,
  handle: (host: Host, request: T, exchange: Exchange) => Promise<void>,
): RouteHandler {
  return async (host, exchange) => {
    try {
      await handle(host, decodeBody(exchange.text, type), exchange);
    } catch (error) {
      if (error instanceof GoDecodeError) {
        const message = error.message === 'EOF' ? 'missing request body' : error.message;
        await exchange.send(400, jsonType, goJson({ error: message }));
      } else if (error instanceof OllamaFailure) {
        await exchange.send(error.status, jsonType, goJson({ error: error.message, ...error.beside }));
      } else throw error;
    }
  };
}

async function json(exchange: Exchange, body: object): Promise<void> {
  await exchange.send(200, jsonType, goJson(body));
}
