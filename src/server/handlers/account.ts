import { RouterError } from '../../errors.ts';
import { catalogReady } from '../../relay/catalog-ready.ts';
import type { Line } from '../../relay/line.ts';
import { designated, noOllama, passOn } from '../../relay/pass-on.ts';
import type { UpstreamRequest } from '../../upstream/client.ts';
import { type BodyBudget, readBody } from '../body.ts';
import type { Handler } from '../route.ts';

/** What `/api/status` answers where no Ollama could say more: the `ollama` command asks it of every server. */
const NO_CLOUD = { cloud: { disabled: true, source: 'router' } };

/** The routes of Ollama that concern an account or its cloud, and no model: those of one designated server. */
export function account(line: Line, budget: BodyBudget, path: string): Handler {
  return async ({ request, reply, query, rest, record }) => {
    if (path.endsWith('/*') && !isSegment(rest)) throw noRoute(path, rest);
    await catalogReady(line.router.catalog);
    const endpoint = designated(line.router.catalog);
    if (endpoint === undefined) throw noOllama(path);
    using hold = budget.open();
    const body = await readBody(request, hold);
    const target = withRest(path, rest);
    const errand = { method: upstreamMethod(request.method), path: query === '' ? target : `${target}?${query}` };
    await passOn(line, endpoint, { ...errand, headers: request.rawHeaders, body }, reply, record);
  };
}

/** `GET /api/status`: whether models of the cloud may be used. */
export function status(line: Line, budget: BodyBudget): Handler {
  const pass = account(line, budget, '/api/status');
  return (visit) => {
    if (designated(line.router.catalog) === undefined) visit.reply.json(200, NO_CLOUD);
    else return pass(visit);
  };
}

/**
 * One segment and no step up, encoded or not: more could lead to another of the endpoint's routes, or of a proxy's before
 * it. A slash alone may be encoded: keys hold some.
 */
function isSegment(rest: string): boolean {
  const steps = rest.replace(/%2e/gi, '.').split(/%2f|%5c/i);
  return rest !== '' && !/[/\\]/.test(rest) && !steps.some((step) => step === '.' || step === '..');
}

function noRoute(path: string, rest: string): RouterError {
  return new RouterError('unknown_route', `no route ${withRest(path, rest)}`);
}

function withRest(path: string, rest: string): string {
  return path.endsWith('*') ? path.slice(0, -1) + rest : path;
}

/** What HEAD answers is what GET would, less its body. */
function upstreamMethod(method: string | undefined): UpstreamRequest['method'] {
  if (method === 'POST' || method === 'DELETE') return method;
  return 'GET';
}
