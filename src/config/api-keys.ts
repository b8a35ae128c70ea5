import type { Secret } from '../domain/secret.ts';
import { type EndpointUrl, parseEndpointUrl } from './endpoint-url.ts';
import { type Env, expandText } from './expand.ts';
import type { Findings } from './findings.ts';
import { nearest } from './nearest.ts';
import type { Settings } from './schema.ts';

type ApiKeys = Settings['api_keys'];

/** An entry of `api_keys` and the server it is for; none where it is no URL. */
interface Entry {
  readonly written: string;
  readonly base: string | undefined;
  readonly key: Secret | undefined;
}

/**
 * The key of each server by its base. The URL may differ from the endpoint's by a trailing slash or `/v1`; of two that
 * mean the same server, the one spelled like the endpoint counts. What fits no endpoint is a warning.
 */
export function matchKeys(apiKeys: ApiKeys, urls: readonly EndpointUrl[], env: Env, findings: Findings) {
  const entries = Object.entries(apiKeys).map(([written, key]) => readEntry(written, key ?? undefined, env));
  const keys = new Map<string, Secret>();
  for (const { url, base } of urls) {
    const fitting = entries.filter((entry) => entry.base === base);
    const best = fitting.find((entry) => entry.written === url) ?? fitting[0];
    if (best?.key !== undefined) keys.set(base, best.key);
    for (const entry of fitting)
      if (entry !== best) warn(entry, `gives ${url} a second key, which is not used`, findings);
  }
  const known = new Set(urls.map((url) => url.base));
  for (const entry of entries) if (!known.has(entry.base ?? '')) warn(entry, matchesNone(entry, urls), findings);
  return keys;
}

function readEntry(written: string, key: Secret | undefined, env: Env): Entry {
  const { expanded, missing } = expandText(written, env);
  const parsed = missing === undefined ? parseEndpointUrl(expanded) : { problem: 'unset' };
  return { written, key, base: 'problem' in parsed ? undefined : parsed.base };
}

function matchesNone(entry: Entry, urls: readonly EndpointUrl[]): string {
  const found = nearest(
    entry.written,
    urls.map(({ url }) => url),
  );
  return found === undefined ? 'matches no endpoint' : `matches no endpoint; the nearest is ${found}`;
}

function warn({ written }: Entry, text: string, findings: Findings): void {
  // A user name or password in a URL is not for showing.
  const shown = /[@?]/.test(written) ? '' : `[${JSON.stringify(written)}]`;
  findings.warn(['api_keys', written], `api_keys${shown} ${text}`);
}
