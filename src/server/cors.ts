import type { IncomingMessage } from 'node:http';
import { headerOf } from '../domain/headers.ts';
import { RouterError } from '../errors.ts';

/** Ollama's own list, and browser extensions: what runs on the client's machine and not on a foreign page. */
const LOCAL_ORIGIN =
  /^(https?:\/\/(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(:\d+)?|(app|file|tauri|vscode-webview|vscode-file|chrome-extension|moz-extension|safari-web-extension):\/\/.*)$/i;
const EXPOSED =
  'x-request-id, request-id, x-nomyo-error, x-nomyo-dropped, x-nomyo-recovered, x-nomyo-endpoint, x-nomyo-model, x-nomyo-route, x-nomyo-queue-ms, x-nomyo-retries, x-should-retry, retry-after, retry-after-ms, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens';
const DEFAULT_HEADERS = 'authorization, content-type, accept, user-agent, x-api-key, x-requested-with';

/** Cross-origin rules: browsers' pages may call the router only from origins that are local or configured. */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  /** Origins beside the local ones; `*` means any. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  /** The headers for the answer to this request. Throws `origin_not_allowed`. */
  headers(request: IncomingMessage): string[] {
    const origin = headerOf(request.rawHeaders, 'origin');
    if (origin === undefined) return [];
    if (!this.#allows(origin, request.headers.host)) {
      throw new RouterError('origin_not_allowed', `browser origin ${origin} is not allowed; add it to cors_origins`);
    }
    return ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin', 'Access-Control-Expose-Headers', EXPOSED];
  }

  /** What the answer to a preflight says beside that. */
  preflight(request: IncomingMessage): string[] {
    const wanted = request.headers['access-control-request-headers'];
    return [
      'Access-Control-Allow-Methods',
      'GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS',
      'Access-Control-Allow-Headers',
      typeof wanted === 'string' ? wanted : DEFAULT_HEADERS,
      'Access-Control-Allow-Private-Network',
      'true',
      'Access-Control-Max-Age',
      '86400',
    ];
  }

  #allows(origin: string, host: string | undefined): boolean {
    if (this.#origins.has('*') || this.#origins.has(origin) || LOCAL_ORIGIN.test(origin)) return true;
    // A page that the router serves itself; a foreign name that merely resolves to this machine is no such page.
    return host !== undefined && origin.replace(/^https?:\/\//, '') === host && isNamedForThisMachine(host);
  }
}

/** An address, or a name that only a local network resolves. */
function isNamedForThisMachine(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return (
    /^[\d.]+$/.test(name) ||
    name.startsWith('[') ||
    !name.includes('.') ||
    /\.(localhost|local|internal|lan|home\.arpa)$/.test(name)
  );
}
