import type { Endpoint } from '../domain/endpoint.ts';
import { RouterError } from '../errors.ts';
import type { Catalog } from './catalog.ts';

/** Seconds after which an unreachable endpoint is worth another try. */
const RETRY_AFTER_SECONDS = 5;

/**
 * The endpoints that a management request goes to, all of them Ollama: those that the client names by name or URL,
 * whatever their health; else those that the configuration leaves to the router and that are healthy. Throws
 * `not_implemented`, `invalid_parameter` or `endpoint_unavailable`.
 */
export function chooseTargets(catalog: Catalog, named: readonly string[] | undefined): Endpoint[] {
  const eligible = managed(catalog, named);
  if (named !== undefined) return eligible;
  const healthy = eligible.filter((endpoint) => catalog.state(endpoint).health === 'healthy');
  if (healthy.length > 0) return healthy;
  const message = `no Ollama endpoint can be reached now (${nameList(eligible)})`;
  throw new RouterError('endpoint_unavailable', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

/** The same, unreachable ones included. */
export function managed(catalog: Catalog, named: readonly string[] | undefined): Endpoint[] {
  const servers = catalog
    .states()
    .map(({ endpoint }) => endpoint)
    .filter(({ kind }) => kind === 'ollama');
  if (servers.length === 0)
    throw new RouterError('not_implemented', 'models can be managed on Ollama endpoints only, and there is none');
  if (named === undefined) return servers.filter((endpoint) => endpoint.managed !== false);
  const wanted = named.map((name) => name.trim()).filter((name) => name !== '');
  if (wanted.length === 0) throw unknown('the request names no endpoint', servers);
  return [...new Set(wanted.map((name) => find(servers, name, catalog)))];
}

function find(servers: readonly Endpoint[], name: string, catalog: Catalog): Endpoint {
  const isCalled = (endpoint: Endpoint) =>
    endpoint.name === name || [endpoint.url, endpoint.base].includes(name.replace(/\/+$/, ''));
  const found = servers.find(isCalled);
  if (found !== undefined) return found;
  const other = catalog.states().find(({ endpoint }) => isCalled(endpoint))?.endpoint;
  if (other === undefined) throw unknown(`endpoint '${name}' does not exist`, servers);
  throw unknown(`models on ${other.name} cannot be managed: it is no Ollama endpoint`, servers);
}

function unknown(what: string, servers: readonly Endpoint[]): RouterError {
  return new RouterError('invalid_parameter', `${what} (${nameList(servers)})`, { param: 'nomyo' });
}

function nameList(endpoints: readonly Endpoint[]): string {
  return endpoints.map(({ name }) => name).join(', ');
}
