import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { goJson } from './go-json.ts';
import { jsonType } from './sink.ts';

/** What a server says that is not signed in to Ollama's cloud: the address at which its own key can be signed in. */
export const signedOut = { signin_url: 'https://ollama.com/connect?name=simulated&key=c3NoLWVkMjU1MTk' };

/** POST /api/me. */
export async function me(host: Host, exchange: Exchange): Promise<void> {
  const { account } = host;
  if (account === undefined) return unauthorized(exchange);
  return answer(exchange, { id: account, email: `${account}@example.com`, name: account, plan: 'free' });
}

/** POST /api/signout and DELETE /api/user/keys/:key. */
export async function signOut(host: Host, exchange: Exchange): Promise<void> {
  host.account = undefined;
  return answer(exchange, null);
}

/** POST /api/experimental/web_search. */
export async function webSearch(host: Host, exchange: Exchange): Promise<void> {
  if (host.account === undefined) return unauthorized(exchange);
  const found = { title: 'Simulated', url: 'https://example.com/', content: exchange.text };
  return answer(exchange, { results: [found] });
}

/** POST /api/experimental/web_fetch. */
export async function webFetch(host: Host, exchange: Exchange): Promise<void> {
  if (host.account === undefined) return unauthorized(exchange);
  return answer(exchange, { title: 'Simulated', content: exchange.text, links: [] });
}

/** GET /api/experimental/model-recommendations. */
export async function recommendations(_: Host, exchange: Exchange): Promise<void> {
  return answer(exchange, { recommendations: [{ model: 'kimi-k2.6:cloud', description: 'Simulated' }] });
}

function unauthorized(exchange: Exchange): Promise<void> {
  return exchange.send(401, jsonType, goJson({ error: 'unauthorized', ...signedOut }));
}

function answer(exchange: Exchange, body: object | null): Promise<void> {
  return exchange.send(200, jsonType, goJson(body));
}
