import { catalogReady } from '../../relay/catalog-ready.ts';
import type { Catalog, EndpointState } from '../../routing/catalog.ts';
import type { Statistics } from '../../usage/statistics.ts';
import type { Handler } from '../route.ts';
import type { Live, UsageStream } from '../usage-stream.ts';
import { lowestVersion } from '../version.ts';

/** `GET /`: what clients of Ollama look for. */
export const running: Handler = ({ reply }) => {
  const body = Buffer.from('Ollama is running');
  reply.start(200, ['Content-Type', 'text/plain; charset=utf-8'], body.length);
  reply.end(body);
};

/** `GET /api/version`: what all of the fleet can do. */
export function version(catalog: Catalog): Handler {
  return async ({ reply }) => {
    await catalogReady(catalog);
    reply.json(200, { version: lowestVersion(catalog.states()) });
  };
}

/** `GET /health/live`: the process answers. */
export const isLive: Handler = ({ reply }) => reply.json(200, { status: 'ok' });

/** `GET /health/ready`: at least one endpoint can take requests. */
export function ready(catalog: Catalog): Handler {
  return ({ reply }) => {
    const usable = catalog.states().some((state) => state.health === 'healthy');
    reply.json(usable ? 200 : 503, { status: usable ? 'ok' : 'error' });
  };
}

/** `GET /health`, of the endpoints: `ok` when all endpoints answer, `degraded` when some do, `error` (503) when none does. */
export function health(catalog: Catalog, statistics: Pick<Statistics, 'state'>): Handler {
  return ({ reply }) => {
    const states = catalog.states();
    const healthy = states.filter((state) => state.health === 'healthy').length;
    const status = healthy === states.length ? 'ok' : healthy > 0 ? 'degraded' : 'error';
    const endpoints = Object.fromEntries(states.map((state) => [state.endpoint.url, statusOf(state)]));
    reply.json(healthy === 0 ? 503 : 200, { status, endpoints, statistics: statistics.state() });
  };
}

/** `GET /api/config`: the endpoints as configured, with their state. */
export function configuration(catalog: Catalog, keyRequired: boolean): Handler {
  return ({ reply }) => {
    const states = catalog
      .states()
      .map((state) => ({ url: state.endpoint.url, ...statusOf(state), kind: state.endpoint.kind }));
    reply.json(200, {
      endpoints: states.filter(({ kind }) => kind !== 'llama-server'),
      llama_server_endpoints: states.filter(({ kind }) => kind === 'llama-server'),
      require_router_api_key: keyRequired,
    });
  };
}

/** `GET /api/usage`. */
export function usage(live: Live): Handler {
  return ({ reply }) => reply.json(200, live.snapshot());
}

/** `GET /api/usage-stream`: the same as server-sent events, whenever it changes. */
export function usageStream(stream: UsageStream): Handler {
  return ({ reply }) => stream.subscribe(reply);
}

function statusOf({
  health,
  findings,
  detail,
}: EndpointState): { status: 'ok'; version: string } | { status: 'error'; detail: string } {
  if (health === 'healthy') return { status: 'ok', version: findings?.version ?? 'latest' };
  return { status: 'error', detail: detail ?? 'not asked yet' };
}
