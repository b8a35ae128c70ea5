import assert from 'node:assert/strict';
import { eventually, type RunningRouter } from '../support/router.ts';
import { type Json, jsonOf, textOf, type Wire, type WireAnswer } from '../support/wire.ts';

/** Ollama's route for answers. */
export const CHAT = '/api/chat';
/** A request to the model `m`, unless it says otherwise. */
export const say = (what: string, more: object = {}) => ({
  model: 'm',
  messages: [{ role: 'user', content: what }],
  ...more,
});
/** What a client sends that names its request, and itself. */
export const headersOf = (id: string) => ({ 'X-Request-Id': id, 'User-Agent': 'ollama-js/0.6.4 (x64)' });

/** Asks under this id. */
export function ask(
  router: RunningRouter,
  id: string,
  body: object = say('say 5 tokens'),
  path = CHAT,
): Promise<WireAnswer> {
  return router.ask(path, { headers: headersOf(id), body });
}

/** Asks on a connection that is the test's to keep. */
export async function open(router: RunningRouter, id: string, body: object, path = CHAT): Promise<Wire> {
  const wire = await router.open();
  wire.request(path, { headers: headersOf(id), body });
  return wire;
}

/** What the router tells of a request; undefined where it knows none. */
export async function view(router: RunningRouter, id: string): Promise<Json> {
  const answer = await router.ask(`/router/requests/${id}`);
  return answer.status === 200 ? jsonOf(answer) : undefined;
}

/** The view of a request as soon as it is over. */
export async function over(router: RunningRouter, id: string): Promise<Json> {
  let found: Json;
  await eventually(async () => {
    found = await view(router, id);
    return found?.state === 'over';
  });
  return found;
}

/** What it tells of all. */
export async function list(router: RunningRouter, query = ''): Promise<Json> {
  const answer = await router.ask(`/router/requests${query}`);
  assert.equal(answer.status, 200, textOf(answer));
  return jsonOf(answer);
}

/** The ids of those that it lists. */
export const idsIn = async (router: RunningRouter, query = '') =>
  (await list(router, query)).requests.map(({ id }: Json) => id).join(' ');

/** These fields of a view. */
export function fields(of: Json, ...names: readonly string[]): Json {
  return Object.fromEntries(names.map((name) => [name, of[name]]));
}

/** Ends a request in place of its client. */
export const cancel = (router: RunningRouter, id: string) =>
  router.ask(`/router/requests/${id}:cancel`, { method: 'POST' });
