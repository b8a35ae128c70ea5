import type { Endpoint, EndpointKind } from '../domain/endpoint.ts';
import type { Secret } from '../domain/secret.ts';
import { matchKeys } from './api-keys.ts';
import { type EndpointUrl, parseEndpointUrl } from './endpoint-url.ts';
import { type Env, isUnset, type Unset } from './expand.ts';
import type { Findings } from './findings.ts';
import { type EndpointEntry, LOCAL_OLLAMA, type Settings } from './schema.ts';
import { type Path, pathName } from './tree.ts';

/** An entry of one of the two lists, with what its URL says. */
interface Listed {
  readonly entry: EndpointEntry;
  readonly address: EndpointUrl;
  readonly kind: EndpointKind;
  readonly path: Path;
}

/** What endpoints depend on beside their own entries. */
interface Surroundings {
  readonly env: Env;
  readonly unset: readonly Unset[];
  readonly findings: Findings;
}

/** All endpoints in the order of the file; faults and warnings go to the findings. */
export function buildEndpoints(settings: Settings, { env, unset, findings }: Surroundings): readonly Endpoint[] {
  const listed = listEntries(settings, unset, findings);
  checkCount(settings, listed, findings);
  checkUnique(listed, findings);
  for (const { address, path, kind } of listed) warnOfAddress(address, kind, path, findings);
  const addresses = listed.map(({ address }) => address);
  const keys = matchKeys(settings.api_keys, addresses, env, findings);
  const names = chooseNames(listed);
  const endpoints = listed.map((one, index) => toEndpoint(one, names[index] ?? one.address.host, keys));
  return markManaged(endpoints, settings, findings);
}

/** Where models are managed only somewhere, marks the endpoints where they are not. */
function markManaged(endpoints: readonly Endpoint[], settings: Settings, findings: Findings): readonly Endpoint[] {
  const servers = endpoints.filter(({ kind }) => kind === 'ollama');
  const managed = settings.management_endpoints.flatMap((written, index) => {
    const found = servers.find(({ name, url }) => name === written || url === written?.replace(/\/+$/, ''));
    if (written !== null && found === undefined) {
      const known = servers.map(({ name }) => name).join(', ') || 'none';
      findings.fault(['management_endpoints', index], `names no Ollama endpoint; there are: ${known}`);
    }
    return found ?? [];
  });
  if (managed.length === 0) return endpoints;
  return endpoints.map((one) => (one.kind === 'ollama' && !managed.includes(one) ? { ...one, managed: false } : one));
}

function listEntries(settings: Settings, unset: readonly Unset[], findings: Findings): Listed[] {
  const { endpoints, llama_server_endpoints: llamaServers } = settings;
  const local = parseEndpointUrl(LOCAL_OLLAMA);
  if (!endpoints && !llamaServers?.length && !('problem' in local)) {
    return [{ entry: { cloud: false }, address: local, kind: local.kind, path: ['endpoints'] }];
  }
  return [
    ...listOf('endpoints', endpoints ?? [], undefined),
    ...listOf('llama_server_endpoints', llamaServers ?? [], 'llama-server'),
  ];

  function listOf(list: string, entries: readonly (EndpointEntry | null)[], kind: EndpointKind | undefined): Listed[] {
    return entries.flatMap((entry, index) => {
      const path = [list, index];
      if (entry?.url) return { entry, path, address: entry.url, kind: entry.kind ?? kind ?? entry.url.kind };
      if (entry && !isUnset(unset, [...path, 'url'])) findings.fault(path, 'needs a "url"');
      return [];
    });
  }
}

function checkCount(settings: Settings, listed: readonly Listed[], findings: Findings): void {
  if (listed.length > 0 || findings.hasFaults) return;
  const list = settings.endpoints ? 'endpoints' : 'llama_server_endpoints';
  findings.fault([list], `lists no endpoint: name one, or remove the key to use the Ollama at ${LOCAL_OLLAMA}`);
}

function checkUnique(listed: readonly Listed[], findings: Findings): void {
  const byBase = new Map<string, Listed>();
  const byName = new Map<string, Listed>();
  for (const one of listed) {
    const twin = byBase.get(one.address.base);
    if (twin) findings.fault(one.path, `is the same server as ${placeOf(twin, findings)}`);
    byBase.set(one.address.base, twin ?? one);
    const { name } = one.entry;
    const namesake = name ? byName.get(name) : undefined;
    if (namesake) findings.fault([...one.path, 'name'], `is also the name of ${placeOf(namesake, findings)}`);
    if (name) byName.set(name, namesake ?? one);
  }
}

function placeOf({ path }: Listed, findings: Findings): string {
  const line = findings.lineOf(path);
  return Number.isFinite(line) && line > 0 ? `${pathName(path)} in line ${line}` : pathName(path);
}

function warnOfAddress(address: EndpointUrl, kind: EndpointKind, path: Path, findings: Findings): void {
  const { url, base } = address;
  if (address.schemeAssumed) findings.warn(path, `${url} was written without its scheme; http:// is assumed`);
  if (address.oddVersion && kind !== 'ollama') findings.warn(path, `requests to ${url} go to ${base}/v1/...`);
}

/** Configured names as they are; the others get the shortest of host, host with path, whole URL that is theirs alone. */
function chooseNames(listed: readonly Listed[]): string[] {
  const lengths = listed.map(({ entry, address }) => (entry.name ? [entry.name] : lengthsOf(address)));
  const uses = Map.groupBy(lengths.flat(), (name) => name);
  return lengths.map((names) => names.find((name) => uses.get(name)?.length === 1) ?? names.at(-1) ?? '');
}

function lengthsOf({ base, host }: EndpointUrl): string[] {
  return [...new Set([host, base.replace(/^https?:\/\//, ''), base])];
}

function toEndpoint({ entry, address, kind }: Listed, name: string, keys: ReadonlyMap<string, Secret>): Endpoint {
  const { url, base } = address;
  const key = entry.key ?? keys.get(base);
  const models = entry.models?.filter((model) => model !== null);
  return {
    url,
    name,
    kind,
    base,
    cloud: entry.cloud,
    ...(entry.slots && { slots: entry.slots }),
    ...(key && { key }),
    ...(models && { models }),
  };
}
