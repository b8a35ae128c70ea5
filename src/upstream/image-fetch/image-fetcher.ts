import { lookup } from 'node:dns/promises';
import type { IncomingMessage } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { isPublicAddress } from '../../domain/ip-address.ts';
import { AllowedHosts, placeOf } from './allowed-hosts.ts';
import { type FetchedImage, readImage } from './image.ts';
import { Patience } from './patience.ts';
import { unfetchable } from './unfetchable.ts';
import { Visit } from './visit.ts';

const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

interface Options {
  /** As `AllowedHosts` reads them. */
  readonly hosts: readonly string[];
  /** All addresses of a host name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** Opens a connection, on which TLS is then spoken. */
  readonly connect?: (address: string, port: number) => Duplex;
  readonly maxBytes?: number;
  /** For everything, redirects included. */
  readonly timeoutMs?: number;
}

const DEFAULTS = {
  resolve: async (host: string) => (await lookup(host, { all: true })).map(({ address }) => address),
  connect: (address: string, port: number) => net.connect({ host: address, port }),
  maxBytes: 20 * 1024 * 1024,
  timeoutMs: 15_000,
};

/** Fetches the images to which requests point, from hosts that the operator allowed, and only from the public internet. */
export class ImageFetcher {
  readonly #hosts: AllowedHosts;
  readonly #options: Required<Omit<Options, 'hosts'>>;

  /** Throws where an entry of `hosts` is not a host. */
  constructor({ hosts, ...options }: Options) {
    this.#hosts = new AllowedHosts(hosts);
    this.#options = { ...DEFAULTS, ...options };
  }

  /** Whether this is an https URL with a host that the operator allowed. */
  allows(url: string): boolean {
    const parsed = URL.parse(url);
    return parsed !== null && this.#hosts.fault(parsed) === undefined;
  }

  /** Rejects with `RouterError` where there is no image to be had, and with `ClientGone` for who aborts `signal`. */
  async fetch(url: string, signal?: AbortSignal): Promise<FetchedImage> {
    using patience = new Patience(this.#options.timeoutMs, signal);
    return await patience.limit((end) => this.#follow(url, end));
  }

  /** Goes where the URL and the redirects lead. Each is held against the same rules: an allowed host may be tricked. */
  async #follow(text: string, signal: AbortSignal): Promise<FetchedImage> {
    let url = this.#checked(URL.parse(text));
    for (let redirects = 0; ; redirects++) {
      using visit = new Visit(url, await this.#connect(url, signal));
      const answer = await visit.answer(signal);
      if (!REDIRECTS.has(answer.statusCode ?? 0)) return await readImage(answer, this.#options.maxBytes);
      if (redirects === MAX_REDIRECTS) throw unfetchable(`it is redirected more than ${MAX_REDIRECTS} times`);
      url = this.#checked(redirectOf(answer, url), 'after a redirect ');
    }
  }

  #checked(url: URL | null, when = ''): URL {
    const fault = url === null ? 'its URL is not valid' : this.#hosts.fault(url);
    if (url === null || fault !== undefined) throw unfetchable(`${when}${fault}`);
    return url;
  }

  /** Looks a name up once, and connects to an address that was looked at: a second answer might be another. */
  async #connect(url: URL, signal: AbortSignal): Promise<Duplex> {
    const { host, port } = placeOf(url);
    const addresses = net.isIP(host) === 0 ? await this.#lookup(host) : [host];
    signal.throwIfAborted();
    const [address] = addresses;
    if (address === undefined || !addresses.every(isPublicAddress)) throw unfetchable('its host is not a public one');
    return this.#options.connect(address, port);
  }

  async #lookup(host: string): Promise<readonly string[]> {
    try {
      return await this.#options.resolve(host);
    } catch (error) {
      throw unfetchable('its host was not found', error);
    }
  }
}

function redirectOf({ headers }: IncomingMessage, from: URL): URL | null {
  return headers.location === undefined ? null : URL.parse(headers.location, from.href);
}
