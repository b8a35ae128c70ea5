import type { EndpointKind } from '../domain/endpoint.ts';

/** An endpoint's address, taken apart. */
export interface EndpointUrl {
  /** As written, without trailing slash and fragment, with a scheme. */
  readonly url: string;
  /** What routes such as `/v1/models` are appended to: no `/v1`, no trailing slash; equal for equal servers. */
  readonly base: string;
  /** Host, and port where it is not the scheme's own. */
  readonly host: string;
  /** What the URL alone says about the server. */
  readonly kind: EndpointKind;
  readonly schemeAssumed: boolean;
  /** A version in the path that is not a `/v1` at its end: `/v1beta/openai`, `/paas/v4`. */
  readonly oddVersion: boolean;
}

/** Takes a URL apart, or says what it must be. The problem never repeats the text, which may hold a password. */
export function parseEndpointUrl(text: string): EndpointUrl | { readonly problem: string } {
  const schemeAssumed = !/^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const written = (schemeAssumed ? `http://${text}` : text).replace(/#.*$/, '');
  const parsed = URL.canParse(written) ? new URL(written) : undefined;
  if (!isPlain(text) || parsed === undefined) return { problem: 'must be a URL such as http://192.168.0.50:11434' };
  if (!/^https?:$/.test(parsed.protocol)) return { problem: 'must start with http:// or https://' };
  if (parsed.username !== '' || parsed.password !== '') {
    // Dropping it would send requests that the server refuses; keeping it would show it in every list and log.
    return { problem: 'must not hold a user name or password: give the endpoint a key, here or under api_keys' };
  }
  if (written.includes('?')) return { problem: 'must not have a query ("?...")' };
  return takeApart(written, parsed, schemeAssumed);
}

/** What `URL` would forgive: spaces, backslashes, `http:/host`, a path alone. */
function isPlain(text: string): boolean {
  return !/[\s\\\p{Cc}]/u.test(text) && !/^(https?:(?!\/\/)|\/)/i.test(text);
}

function takeApart(written: string, parsed: URL, schemeAssumed: boolean): EndpointUrl {
  const path = parsed.pathname.replace(/\/+$/, '');
  const prefix = path.replace(/\/v1$/, '').replace(/\/+$/, '');
  return {
    url: written.replace(/\/+$/, ''),
    base: `${parsed.protocol}//${parsed.host}${prefix}`,
    host: parsed.host,
    kind: path.includes('/v1') ? 'openai' : 'ollama',
    schemeAssumed,
    oddVersion: /\/v\d/.test(prefix),
  };
}
