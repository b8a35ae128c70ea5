import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { ClientGone, RouterError } from '../errors.ts';
import { headerOf } from '../upstream/client.ts';

type Decompress = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: Readonly<Record<string, Decompress>> = {
  gzip: promisify<Buffer, object, Buffer>(gunzip),
  'x-gzip': promisify<Buffer, object, Buffer>(gunzip),
  deflate: promisify<Buffer, object, Buffer>(inflate),
  br: promisify<Buffer, object, Buffer>(brotliDecompress),
  zstd: promisify<Buffer, object, Buffer>(zstdDecompress),
};

/** A body of which nothing more comes for so long is given up, in milliseconds. */
const IDLE_MS = 60_000;
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

  /** Room for one body that grows; given back by leaving the block that holds it. */
  open(): Hold {
    let own = 0;
    return {
      grow: (bytes) => {
        if (own + bytes > this.perBody) throw tooLarge(this.perBody);
        if (this.#held + bytes > this.#total) throw noRoom();
        own += bytes;
        this.#held += bytes;
      },
      [Symbol.dispose]: () => {
        this.#held -= own;
        own = 0;
      },
    };
  }
}

/** The memory that one body takes. */
export interface Hold extends Disposable {
  /** Throws `body_too_large` or `router_busy` where that many more bytes are too many. */
  grow(bytes: number): void;
}

/** The request's whole body, decompressed. Throws as `Hold.grow`, `unsupported_encoding`, `body_timeout`, `ClientGone`. */
export function readBody(request: IncomingMessage, hold: Hold): Promise<Buffer> {
  const encoding = headerOf(request.rawHeaders, 'content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return gather(request, hold);
  const decode = DECODERS[encoding];
  if (decode === undefined) {
    throw new RouterError(
      'unsupported_encoding',
      `content-encoding "${encoding}" is not supported; use zstd, gzip, br or deflate`,
    );
  }
  return gather(request, hold).then((body) => decompress(body, decode, encoding, hold));
}

function gather(request: IncomingMessage, hold: Hold): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let idle: NodeJS.Timeout | undefined;
    const tooSlow = () => reject(new RouterError('body_timeout', 'the request body did not arrive'));
    // Most bodies have come with their head: for those no timer is set.
    process.nextTick(() => {
      if (!request.complete) idle = setTimeout(tooSlow, IDLE_MS);
    });
    request.on('data', (bytes: Buffer) => {
      try {
        hold.grow(bytes.length);
        parts.push(bytes);
        idle?.refresh();
      } catch (error) {
        parts.length = 0;
        reject(error);
      }
    });
    request.on('end', () => {
      clearTimeout(idle);
      const [first] = parts;
      resolve(parts.length === 1 && first !== undefined ? first : Buffer.concat(parts));
    });
    request.on('close', () => {
      clearTimeout(idle);
      if (!request.complete) reject(new ClientGone());
    });
  });
}

async function decompress(body: Buffer, decode: Decompress, encoding: string, hold: Hold): Promise<Buffer> {
  const unfolded = await decode(body, { maxOutputLength: MAX_DECOMPRESSED }).catch((error: unknown) => {
    if (error instanceof RangeError) throw tooLarge(MAX_DECOMPRESSED);
    throw new RouterError('invalid_json', `request body is not valid ${encoding}`, { cause: error });
  });
  hold.grow(unfolded.length);
  return unfolded;
}

function tooLarge(maxBytes: number): RouterError {
  const limit = `${Math.floor(maxBytes / 1024 / 1024)} MiB`;
  return new RouterError('body_too_large', `request body is too large; the limit is ${limit} (limits.body)`);
}

function noRoom(): RouterError {
  return new RouterError('router_busy', 'server busy, please try again. Too many large requests at once', {
    retryAfterSeconds: 2,
  });
}
