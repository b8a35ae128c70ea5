import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Secret } from '../domain/secret.ts';
import { RouterError } from '../errors.ts';

/** Tells whether a request bears the router's key. */
export class Gate {
  readonly #digests: readonly Buffer[];

  /** What statistics call the key that lets clients in; undefined where they need none. */
  readonly keyName: string | undefined;

  /** Without a key everyone may pass. */
  constructor(key: Secret | undefined) {
    const text = key?.reveal();
    this.keyName = text === undefined ? undefined : 'router';
    this.#digests = text === undefined ? [] : encodings(text).map(digest);
  }

  /** Throws `missing_api_key` or `invalid_api_key`. `urlKeys` are the keys in the URL, percent-encoded. */
  check(request: IncomingMessage, urlKeys: readonly string[]): void {
    if (this.#digests.length === 0) return;
    const presented = keysOf(request, urlKeys);
    if (presented.length === 0) throw missing();
    if (!presented.some((key) => this.#matches(key))) throw invalid();
  }

  /** Constant time, whatever the lengths: digests are compared. */
  #matches(key: Buffer): boolean {
    const presented = digest(key);
    return this.#digests.map((own) => timingSafeEqual(own, presented)).includes(true);
  }
}

/** Every key a request presents, as bytes; empty ones do not count. */
function keysOf(request: IncomingMessage, urlKeys: readonly string[]): Buffer[] {
  const { authorization } = request.headers;
  const apiKey = request.headers['x-api-key'];
  return [
    ...fromAuthorization(authorization ?? ''),
    Buffer.from(typeof apiKey === 'string' ? apiKey : '', 'latin1'),
    // A plus sign may mean itself or, as in forms, a space.
    ...urlKeys.flatMap((raw) => [percentDecode(raw), percentDecode(raw.replaceAll('+', ' '))]),
  ].filter((key) => key.length > 0);
}

/** `Bearer <key>`; `Basic :<key>` is what HTTP clients make of a key in a URL's userinfo. */
function fromAuthorization(value: string): Buffer[] {
  // The parser has trimmed the value; what looks like white space at its end now is a byte of the key.
  const bearer = /^bearer +(.*)$/is.exec(value)?.[1];
  if (bearer !== undefined) return [Buffer.from(bearer, 'latin1')];
  const basic = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(value)?.[1];
  if (basic === undefined) return [];
  const pair = Buffer.from(basic, 'base64');
  return [pair.subarray(pair.indexOf(':') + 1)];
}

function percentDecode(text: string): Buffer {
  return Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );
}

/** A key beyond ASCII reaches us as UTF-8 from one client and, where it can, as Latin-1 from another. */
function encodings(key: string): Buffer[] {
  const utf8 = Buffer.from(key, 'utf8');
  const latin1 = Buffer.from(key, 'latin1');
  return latin1.toString('latin1') === key ? [utf8, latin1] : [utf8];
}

function digest(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

const HOW_TO = 'Send "Authorization: Bearer <key>", or for the ollama command set OLLAMA_HOST=http://<router>/k/<key>';

function missing(): RouterError {
  return new RouterError('missing_api_key', `this router needs a key. ${HOW_TO}`, {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}

function invalid(): RouterError {
  return new RouterError('invalid_api_key', `this key is not accepted by this router. ${HOW_TO}`, {
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}
