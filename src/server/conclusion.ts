import type { Outcome, RequestRecord } from '../domain/request-record.ts';
import { ClientGone, EndpointFailure, errorKind, Refusal, RouterError } from '../errors.ts';
import type { HttpReply } from './http-reply.ts';

/** What logs call the status of a request that was never answered, as nginx does. */
const CLIENT_LEFT = 499;
/** Characters of a text from outside that are kept: of the requests that are over a thousand are in memory. */
const MOST_KEPT = 1_000;

/** Closes the record of a request with how it ended. */
export function conclude(record: RequestRecord, reply: HttpReply): void {
  record.cancel = undefined;
  shortenTexts(record);
  record.end(outcomeOf(record, reply), reply.status || CLIENT_LEFT);
}

/** Notes what a request failed with: by whose fault is its outcome, unless its client left before. */
export function noteError(record: RequestRecord, error: unknown): void {
  if (error instanceof ClientGone) return;
  record.outcome = blame(error);
  record.error = { code: errorKind(error), message: error instanceof Error ? error.message : String(error) };
}

/** Model names come from clients, and some servers repeat a whole request in what they say of it. */
function shortenTexts(record: RequestRecord): void {
  const { model, error, failedTries } = record;
  if (model !== undefined && model.length > MOST_KEPT) record.model = kept(model);
  if (error !== undefined) record.error = { ...error, message: kept(error.message) };
  for (const [at, failed] of failedTries.entries()) failedTries[at] = { ...failed, message: kept(failed.message) };
}

/** A copy, since a part of a text keeps all of it in memory. */
function kept(text: string): string {
  return text.length <= MOST_KEPT ? text : Buffer.from(text.slice(0, MOST_KEPT), 'utf8').toString('utf8');
}

function outcomeOf({ outcome, error }: RequestRecord, reply: HttpReply): Outcome {
  if (reply.cancelled) return 'cancelled';
  // An answer that broke off, or was cut by the router itself.
  if (error !== undefined) return outcome ?? 'upstream_error';
  return reply.finished ? 'ok' : 'cancelled';
}

/** Whose turn it would be to change something. */
function blame(error: unknown): Outcome {
  if (error instanceof Refusal) return error.status < 500 ? 'client_error' : 'upstream_error';
  if (error instanceof EndpointFailure) return 'upstream_error';
  if (!(error instanceof RouterError)) return 'router_error';
  if (error.code.startsWith('upstream_')) return 'upstream_error';
  if (error.code === 'internal') return 'router_error';
  return error.status < 500 ? 'client_error' : 'rejected';
}
