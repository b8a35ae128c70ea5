import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { placeOf } from './allowed-hosts.ts';
import { unfetchable } from './unfetchable.ts';

/** Nothing of the client or the router; and no compression, in which a small answer may hide a huge one. */
const HEADERS = {
  Accept: 'image/png, image/jpeg, image/gif, image/webp',
  'Accept-Encoding': 'identity',
  'User-Agent': 'nomyo-router',
};

/** One GET over a connection of its own, which is closed with the block. */
export class Visit implements Disposable {
  readonly #url: URL;
  readonly #socket: tls.TLSSocket;

  /** `connection` leads to the URL's host, which has to prove with its certificate that it is that. */
  constructor(url: URL, connection: Duplex) {
    this.#url = url;
    const { host } = placeOf(url);
    const named = isIP(host) === 0 && { servername: host };
    this.#socket = tls.connect({
      socket: connection,
      host,
      ...named,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
    });
  }

  /** The answer's head; who aborts `signal` breaks off its body as well. */
  answer(signal: AbortSignal): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = https.request({
      ...placeOf(this.#url),
      // Without an agent Node knows of none, and signed URLs are void where the port is named in vain.
      defaultPort: 443,
      path: this.#url.pathname + this.#url.search,
      headers: HEADERS,
      createConnection: () => this.#socket,
      signal,
    });
    request.on('response', resolve);
    request.on('error', (error) => reject(unfetchable(this.#fault(), error)));
    // After a 101 that nobody asked for there is neither an answer nor an error.
    request.on('close', () => reject(unfetchable(this.#fault())));
    request.end();
    return promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #fault(): string {
    return this.#socket.authorizationError ? 'its server has no valid certificate' : 'its server did not answer';
  }
}
