/** Where batches are posted to. */
export interface Destination {
  /** Without credentials. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What became of a batch. */
type Receipt =
  /** It was taken; `rejected` are the spans or data points in it that were not. */
  | { readonly type: 'taken'; readonly rejected: number }
  /** It may be taken later, after the given time where the receiver says one. */
  | { readonly type: 'later'; readonly reason: string; readonly afterMs: number | undefined }
  /** It will never be taken. */
  | { readonly type: 'refused'; readonly reason: string };

/** Posts a batch; ends within its time limit, and never throws. */
export type Post = (body: string) => Promise<Receipt>;

/** The `fetch` of the platform. */
export type Fetch = typeof globalThis.fetch;

const LIMIT_MS = 10_000;
/** Statuses after which the same batch may be taken (OTLP, "Retryable Response Codes"). */
const LATER = new Set([429, 502, 503, 504]);
/** Of an answer: the words of one that took only a part of the batch. */
const MOST_BYTES = 16 * 1024;

/** What it takes to post. */
export interface PostParts {
  /** The router's. */
  readonly version: string;
  readonly fetch: Fetch;
  /** Ends what is under way, and all that follows, at once. */
  readonly signal: AbortSignal;
}

/** A way to post batches to one destination. */
export function postTo({ url, headers }: Destination, { version, fetch, signal }: PostParts): Post {
  const all = { ...headers, 'content-type': 'application/json', 'user-agent': `nomyo-router/${version}` };
  return async (body) => {
    const ending = new AbortController();
    const abort = () => ending.abort();
    const timer = setTimeout(abort, LIMIT_MS);
    timer.unref();
    signal.addEventListener('abort', abort);
    try {
      if (signal.aborted) abort();
      // A redirected POST becomes a GET, and would take the headers to another host.
      const init = { method: 'POST', headers: all, body, redirect: 'manual', signal: ending.signal } as const;
      return await receiptOf(await fetch(url, init));
    } catch (error) {
      return {
        type: 'later',
        reason: ending.signal.aborted ? 'no answer in time' : wordsOf(error),
        afterMs: undefined,
      };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  };
}

async function receiptOf(response: Response): Promise<Receipt> {
  const { ok, status, headers } = response;
  // The status counts, whatever becomes of the body: a batch that was taken is not to be sent twice.
  const text = await startOf(response).catch(() => '');
  if (ok) return { type: 'taken', rejected: rejectedIn(text) };
  const reason = `HTTP ${status}`;
  if (!LATER.has(status)) return { type: 'refused', reason };
  return { type: 'later', reason, afterMs: afterMs(headers.get('retry-after')) };
}

/** The start of the body. It is read, so that the connection can be used again. */
async function startOf({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body ?? []) {
    pieces.push(piece);
    length += piece.length;
    if (length > MOST_BYTES) break;
  }
  return Buffer.concat(pieces).toString();
}

const REJECTED = /"rejected(?:Spans|DataPoints)"\s*:\s*"?(\d{1,15})/;

/** How much of the batch the receiver says that it left out (`partialSuccess`). */
function rejectedIn(text: string): number {
  return Number(REJECTED.exec(text)?.[1] ?? 0);
}

function afterMs(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : undefined;
}

/** `fetch` hides what went wrong in its cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return cause.message || ('code' in cause ? String(cause.code) : error.message);
}
