import { RouterError } from '../errors.ts';
import type { Ledger, Spending, TokenCount } from './ledger.ts';
import type { Calls, ListQuery, Operation, Series, SeriesQuery, StoredRequest } from './store/messages.ts';
import { Points } from './store/points.ts';
import { StoreFailure } from './store-thread.ts';
import { within } from './within.ts';
import { type StoreState, WriteBehind } from './write-behind.ts';

export type { StoredRequest } from './store/messages.ts';

/** What models spent, over all of time or the time that was asked for. */
export interface Spent extends Series {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Endpoint URL to tokens. */
  readonly byEndpoint: ReadonlyMap<string, number>;
}

/** Statistics of tokens and requests that outlive the process. */
export interface Statistics {
  /** Resolves when the history is read, or could not be. Whoever waits says for how long. */
  readonly ready: Promise<void>;
  state(): StoreState;
  /** What is counted, now and in the history as far as it is read. */
  counts(): TokenCount[];
  /** Also while the file cannot be read: then from memory, and not complete. Throws `invalid_parameter` for a bucket that does not fit. */
  stats(query: SeriesQuery): Promise<Spent>;
  /** Rolls up what is older than so many days, into days; gives how many rows of days were written. Throws `router_busy`. */
  aggregate(days: number, trim: boolean): Promise<number>;
  /** Keeps a request, where there is room. */
  keepRequest(request: StoredRequest): void;
  /** How many requests could not be kept. */
  readonly droppedRequests: number;
  /** Throws `router_busy` while the file cannot be read. */
  findRequest(id: string): Promise<StoredRequest | undefined>;
  /** The same. */
  listRequests(filter: ListQuery): Promise<StoredRequest[]>;
  /** Writes what is counted; false where that fails. */
  flush(): Promise<boolean>;
  /** Writes what is counted, within some seconds, and ends. */
  close(): Promise<void>;
}

export interface StatisticsOptions {
  /** The SQLite file; `:memory:` keeps nothing. */
  readonly path: string;
  readonly ledger: Ledger;
  /** How long requests are kept, in milliseconds; undefined: no old ones are deleted. */
  readonly requestRetentionMs: number | undefined;
  /** Told every change of state once. */
  readonly onState: (state: StoreState) => void;
  /** Of the file: pages of 4 KiB. */
  readonly maxPages?: number;
  /** Another thread, in tests. */
  readonly worker?: URL;
}

/** Bounds of waiting, in milliseconds. */
const READY_MS = 2_000;
const FLUSH_MS = 1_000;
const ANSWER_MS = 20_000;
const LIMITS_MS: Partial<Readonly<Record<Operation, number>>> = { aggregate: 600_000 };
const CLOSE_MS = 5_000;
const LATE = Symbol('late');
/** Questions at once: they take turns, and each takes memory. */
const MAX_QUESTIONS = 16;
const FALLBACK_SECONDS = 60;
const DAY_MS = 86_400_000;

/** Opens the statistics: at once, while a thread of its own reads the file. */
export function openStatistics(options: StatisticsOptions): Statistics {
  const { ledger, maxPages, worker } = options;
  const behind = new WriteBehind({ ...options, maxPages, worker });
  const ask = questionsTo(behind);

  async function stats(query: SeriesQuery): Promise<Spent> {
    const series = await ask('series', query).catch((error: unknown) => fromMemory(error, query, behind.unwritten));
    if (query.from !== undefined || query.to !== undefined) return spentOf(series, series.points);
    return spentOf(
      series,
      ledger.counts().filter(({ model }) => query.models.includes(model)),
    );
  }

  return {
    ready: behind.ready,
    state: () => behind.state,
    counts: () => ledger.counts(),
    stats,
    aggregate: (days, trim) => ask('aggregate', { before: Math.floor((Date.now() - days * DAY_MS) / 1_000), trim }),
    keepRequest: (request) => behind.keep(request),
    get droppedRequests() {
      return behind.dropped;
    },
    findRequest: (id) => ask('findRequest', { id }),
    listRequests: (filter) => ask('listRequests', filter),
    flush: () => behind.ready.then(() => behind.flush()),
    close: () => behind.close(CLOSE_MS),
  };
}

type Ask = <Name extends Operation>(name: Name, question: Calls[Name]['ask']) => Promise<Calls[Name]['answer']>;

/** Asks when all that was counted before is written. Throws `router_busy` and `invalid_parameter`. */
function questionsTo(behind: WriteBehind): Ask {
  let asked = 0;
  return async (name, question) => {
    if (asked >= MAX_QUESTIONS) throw new RouterError('router_busy', 'the statistics are busy with other questions');
    asked++;
    // What the disk never answers stays counted: so there are never more of them.
    const answer = within(behind.ready, READY_MS, undefined)
      .then(() => within(behind.flush(), FLUSH_MS, false))
      .then(() => behind.ask(name, question));
    const settled = answer.finally(() => asked--).catch(asRouterError);
    const found = await within(settled, LIMITS_MS[name] ?? ANSWER_MS, LATE);
    if (found === LATE) throw new RouterError('router_busy', 'the statistics did not answer in time');
    return found;
  };
}

function asRouterError(error: unknown): never {
  if (!(error instanceof StoreFailure)) throw error;
  const { kind, message } = error.failure;
  if (kind === 'asked') throw new RouterError('invalid_parameter', message, { cause: error });
  throw new RouterError('router_busy', `the statistics cannot be read: ${message}`, { cause: error });
}

/** What is not written yet is all there is while the file cannot be read. */
function fromMemory(error: unknown, query: SeriesQuery, unwritten: readonly Spending[]): Series {
  if (!(error instanceof RouterError) || error.code !== 'router_busy') throw error;
  const { models, from = 0, to = Number.MAX_SAFE_INTEGER, bucketSeconds = FALLBACK_SECONDS } = query;
  const points = new Points(bucketSeconds);
  for (const { second, ...spending } of unwritten)
    if (models.includes(spending.model) && second >= from && second <= to)
      points.add({ ...spending, timestamp: second });
  return { points: points.sorted(), bucketSeconds, complete: false };
}

function spentOf(
  series: Series,
  sums: readonly Pick<TokenCount, 'endpoint' | 'inputTokens' | 'outputTokens'>[],
): Spent {
  const byEndpoint = new Map<string, number>();
  const sum = { inputTokens: 0, outputTokens: 0 };
  for (const { endpoint, inputTokens, outputTokens } of sums) {
    sum.inputTokens += inputTokens;
    sum.outputTokens += outputTokens;
    byEndpoint.set(endpoint, (byEndpoint.get(endpoint) ?? 0) + inputTokens + outputTokens);
  }
  return { ...series, ...sum, byEndpoint };
}
