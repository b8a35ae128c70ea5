import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { headerOf } from '../domain/headers.ts';
import { ClientGone, RouterError } from '../errors.ts';

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decompress> = new Map([
  ['gzip', promisify<Buffer, object, Buffer>(gunzip)],
  ['x-gzip', promisify<Buffer, object, Buffer>(gunzip)],
  ['deflate', promisify<Buffer, object, Buffer>(inflate)],
  ['br', promisify<Buffer, object, Buffer>(brotliDecompress)],
  ['zstd', promisify<Buffer, object, Buffer>(zstdDecompress)],
]);

/** A body of which nothing more comes for so long is given up, in milliseconds. */
const IDLE_MS = 60_000;
const TOO_SLOW = 'the request body did not arrive';
/** A compressed body may unfold to this many bytes, as on Ollama. */
const MAX_DECOMPRESSED = 20 * 1024 * 1024;

/** Bounds the memory of request bodies: of each, and of all together. In bytes. */
export class BodyBudget {
  readonly perBody: number;
  readonly #total: number;
  #held = 0;

  constructor(perBody: number, total: number) {
    this.perBody = perBody;
    this.#total = total;
  }

  /** Room for one body; given back by leaving the block that holds it. */
  open(): Hold {
    return new Hold(this);
  }

  /** One body has grown from so many bytes to so many. Throws `body_too_large` or `router_busy` where they are too many. */
  change(from: number, to: number): void {
    if (to > this.perBody) throw tooLarge(this.perBody, 'limits.body');
    if (to > from && this.#held - from + to > this.#total) throw noRoom();
    this.#held += to - from;
  }
}

/** The memory that one body takes. */
export class Hold implements Disposable {
  readonly #budget: BodyBudget;
  #bytes = 0;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** Bytes that a body may have. */
  get most(): number {
    return this.#budget.perBody;
  }

  /** The body has so many bytes now. Throws `body_too_large` or `router_busy` where they are too many. */
  resize(bytes: number): void {
    this.#budget.change(this.#bytes, bytes);
    this.#bytes = bytes;
  }

  [Symbol.dispose](): void {
    this.resize(0);
  }
}

/**
 * The request's whole body, decompressed. Rejects as `Hold.resize` throws, with `unsupported_encoding` or `body_timeout`,
 * or with `ClientGone`. `idleMs`: how long nothing may come.
 */
export function readBody(request: IncomingMessage, hold: Hold, idleMs: number = IDLE_MS): Promise<Buffer> {
  const encoding = headerOf(request.rawHeaders, 'content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return gather(request, hold, idleMs);
  const decode = DECODERS.get(encoding);
  if (decode === undefined) {
    throw new RouterError(
      'unsupported_encoding',
      `content-encoding "${encoding}" is not supported; use zstd, gzip, br or deflate`,
    );
  }
  return gather(request, hold, idleMs).then((body) => decompress(body, decode, encoding, hold));
}

function gather(request: IncomingMessage, hold: Hold, idleMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let parts: Buffer[] = [];
    let length = 0;
    let idle: NodeJS.Timeout | undefined;
    // Most bodies come with their head: by then they are complete, and no timer is set for them.
    setImmediate(() => {
      if (!request.complete) idle = setTimeout(tooSlow, idleMs);
    });
    request.on('data', take);
    request.on('end', () => {
      clearTimeout(idle);
      const [first] = parts;
      resolve(parts.length === 1 && first !== undefined ? first : Buffer.concat(parts));
    });
    request.on('close', () => {
      clearTimeout(idle);
      if (!request.complete) reject(new ClientGone());
    });

    function tooSlow(): void {
      giveUp(new RouterError('body_timeout', TOO_SLOW));
    }

    function take(bytes: Buffer): void {
      try {
        length += bytes.length;
        hold.resize(length);
        parts.push(bytes);
        idle?.refresh();
      } catch (error) {
        giveUp(error);
      }
    }

    /** What still comes is not held: the room for it has been given back by then. */
    function giveUp(error: unknown): void {
      clearTimeout(idle);
      request.off('data', take);
      parts = [];
      reject(error);
    }
  });
}

async function decompress(body: Buffer, decode: Decompress, encoding: string, hold: Hold): Promise<Buffer> {
  const most = Math.min(MAX_DECOMPRESSED, hold.most);
  // Whatever it unfolds to has its room beforehand: many small bodies that unfold at once are to be no way around it.
  hold.resize(Math.max(most, body.length));
  const unfolded = await decode(body, { maxOutputLength: most }).catch((error: unknown) => {
    if (error instanceof RangeError) throw tooLarge(most, 'unfolded');
    throw new RouterError('invalid_json', `request body is not valid ${encoding}`, { cause: error });
  });
  hold.resize(unfolded.length);
  return unfolded;
}

function tooLarge(maxBytes: number, which: string): RouterError {
  const limit = maxBytes < 2 ** 20 ? `${maxBytes} bytes` : `${Math.floor(maxBytes / 2 ** 20)} MiB`;
  return new RouterError('body_too_large', `request body is too large; the limit is ${limit} (${which})`);
}

function noRoom(): RouterError {
  return new RouterError('router_busy', 'server busy, please try again. Too many large requests at once', {
    retryAfterSeconds: 2,
  });
}
