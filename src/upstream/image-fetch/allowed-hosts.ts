import { isIP } from 'node:net';
import { isPublicAddress } from '../../domain/ip-address.ts';

/** Where a URL leads. */
export interface Place {
  /** A name without a trailing dot, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

interface Rule extends Place {
  /** The sub-domains of `host`, not itself. */
  readonly wild: boolean;
}

const WILD = '*.';

/**
 * The hosts that the operator allowed: `cdn.example.org`, `*.example.org` for its sub-domains, each perhaps with a
 * port, which is 443 else. Throws where an entry is none of these.
 */
export class AllowedHosts {
  readonly #rules: readonly Rule[];

  constructor(entries: readonly string[]) {
    this.#rules = entries.map(parse);
  }

  /** What forbids this URL, or undefined where nothing does. */
  fault(url: URL): string | undefined {
    if (url.protocol !== 'https:') return 'its URL is not https';
    if (url.username !== '' || url.password !== '') return 'its URL has a user name or a password';
    const place = placeOf(url);
    if (!this.#rules.some((rule) => matches(rule, place))) return 'its host is not among those that are allowed';
    if (isIP(place.host) !== 0 && !isPublicAddress(place.host)) return 'its host is not a public one';
    return undefined;
  }
}

/** Where an https URL leads. */
export function placeOf(url: URL): Place {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return { host, port: url.port === '' ? 443 : Number(url.port) };
}

function matches({ host, port, wild }: Rule, place: Place): boolean {
  return place.port === port && (wild ? place.host.endsWith(`.${host}`) : place.host === host);
}

/** Spells an entry as URLs are spelt, so that case, umlauts and the forms of an IP address make no difference. */
function parse(entry: string): Rule {
  const wild = entry.startsWith(WILD);
  const name = wild ? entry.slice(WILD.length) : entry;
  const isHost = !/[\s/\\?#@*]/.test(name);
  const bracketed = isIP(name) === 6 ? `[${name}]` : name;
  const url = isHost ? URL.parse(`https://${bracketed}`) : null;
  if (url === null) throw new Error(`not a host from which images can be fetched: ${entry}`);
  return { ...placeOf(url), wild };
}
