import type { Outcome, RequestFilter } from '../../domain/request-record.ts';
import { RouterError } from '../../errors.ts';
import type { RequestView } from '../../telemetry/request-view.ts';
import type { Requests } from '../../telemetry/requests.ts';
import type { Statistics, StoredRequest } from '../../usage/statistics.ts';
import type { Handler } from '../route.ts';
import { invalidParameter, readFlag, readInstant } from './statistics-query.ts';

/** Where requests are kept that are no longer in memory, if they are. */
type Kept = Pick<Statistics, 'findRequest' | 'listRequests'> | undefined;

interface Wanted extends RequestFilter {
  readonly inFlight: boolean | undefined;
  readonly limit: number;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
const CANCEL = ':cancel';
const OUTCOMES: Readonly<Record<Outcome, true>> = {
  ok: true,
  client_error: true,
  upstream_error: true,
  router_error: true,
  rejected: true,
  cancelled: true,
};

/** `GET /router/requests`: those under way and the last ones, the newest first. Throws `invalid_parameter`. */
export function requestList(requests: Requests, viewOf: RequestView, kept: Kept): Handler {
  return async ({ reply, query }) => {
    const wanted = readWanted(query);
    const recent = requests.list(wanted, wanted.limit);
    const { stored, complete } = await storedOnes(kept, wanted);
    const known = new Set(recent.map(keyOf));
    const found = [
      ...recent.map((record) => ({ at: record.receivedAt, view: viewOf(record) })),
      ...stored.filter((old) => !known.has(keyOf(old))).map((old) => ({ at: old.receivedAt, view: storedView(old) })),
    ];
    const newest = found.sort((a, b) => b.at - a.at).slice(0, wanted.limit);
    reply.json(200, { in_flight: requests.underWay, complete, requests: newest.map(({ view }) => view) });
  };
}

/** `GET /router/requests/{id}`. Throws `request_not_found`, and `router_busy` where only the disk could tell and does not. */
export function requestById(requests: Requests, viewOf: RequestView, kept: Kept): Handler {
  return async ({ reply, rest }) => {
    const id = decoded(rest);
    const record = requests.find(id);
    const old = record === undefined ? await kept?.findRequest(id) : undefined;
    if (record !== undefined) reply.json(200, viewOf(record));
    else if (old !== undefined) reply.json(200, storedView(old));
    else throw unknown(id);
  };
}

/**
 * `POST /router/requests/{id}:cancel`: ends a request in place of its client. Throws `request_not_found`, and
 * `invalid_parameter` for one that is over.
 */
export function cancelRequest(requests: Requests): Handler {
  return ({ reply, rest }) => {
    const target = decoded(rest);
    if (!target.endsWith(CANCEL)) throw new RouterError('unknown_route', `only ${CANCEL} can be done to a request`);
    const id = target.slice(0, -CANCEL.length);
    const record = requests.find(id);
    if (record === undefined) throw unknown(id);
    if (record.outcome !== undefined || record.cancel === undefined) {
      throw new RouterError('invalid_parameter', `request ${id} is over: ${record.outcome}`);
    }
    record.cancel();
    reply.json(200, { id, status: 'cancelled' });
  };
}

/** What memory has is told although the disk fails: then it is not all there may be. */
async function storedOnes(kept: Kept, wanted: Wanted): Promise<{ stored: StoredRequest[]; complete: boolean }> {
  if (kept === undefined || wanted.inFlight === true) return { stored: [], complete: true };
  try {
    return { stored: await kept.listRequests(wanted), complete: true };
  } catch (error) {
    if (!(error instanceof RouterError)) throw error;
    return { stored: [], complete: false };
  }
}

/** An id alone may have been given twice. */
function keyOf({ id, receivedAt }: Pick<StoredRequest, 'id' | 'receivedAt'>): string {
  return `${receivedAt} ${id}`;
}

function storedView({ record }: StoredRequest): object {
  return JSON.parse(record);
}

function readWanted(query: string): Wanted {
  const given = new URLSearchParams(query);
  const text = (name: string) => given.get(name) ?? undefined;
  const before = readInstant(text, 'before');
  return {
    model: text('model'),
    endpoint: text('endpoint'),
    outcome: outcomeOf(text('outcome')),
    client: text('client'),
    before: before === undefined ? undefined : Math.round(before * 1000),
    inFlight: text('in_flight') === undefined ? undefined : readFlag(text, 'in_flight'),
    limit: limitOf(text('limit')),
  };
}

function outcomeOf(given: string | undefined): string | undefined {
  if (given === undefined || Object.hasOwn(OUTCOMES, given)) return given;
  throw invalidParameter('outcome', `one of ${Object.keys(OUTCOMES).join(', ')}`);
}

function limitOf(given: string | undefined): number {
  if (given === undefined) return DEFAULT_LIMIT;
  if (/^\d{1,9}$/.test(given) && Number(given) > 0) return Math.min(MAX_LIMIT, Number(given));
  throw invalidParameter('limit', `a whole number from 1 to ${MAX_LIMIT}`);
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    throw unknown(id);
  }
}

function unknown(id: string): RouterError {
  return new RouterError('request_not_found', `no request '${id}' is under way or among the last ones`);
}
