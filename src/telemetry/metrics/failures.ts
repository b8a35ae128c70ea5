import type { Endpoint } from '../../domain/endpoint.ts';
import type { RequestRecord } from '../../domain/request-record.ts';

/** One endpoint's failure to answer one request. */
export interface CountedFailure {
  /** Its name. */
  readonly endpoint: string;
  /** `unreachable`, `timeout`, `broken`, `invalid`, `refused`, `auth`, `unsupported` or `failed`. */
  readonly kind: string;
  /** Whether another endpoint was asked then. */
  readonly retried: boolean;
  /** False where it is only of another kind than the request needs. */
  readonly isItsFault: boolean;
}

/** Codes and reasons of errors as they are counted. */
const KINDS: ReadonlyMap<string, string> = new Map([
  ['unreachable', 'unreachable'],
  ['timeout', 'timeout'],
  ['broken', 'broken'],
  ['invalid', 'invalid'],
  ['refused', 'refused'],
  ['upstream_unreachable', 'unreachable'],
  ['upstream_timeout', 'timeout'],
  ['upstream_lost', 'broken'],
  ['upstream_auth', 'auth'],
  ['unsupported', 'unsupported'],
  ['not_implemented', 'unsupported'],
]);

/** Who failed a request, in the order in which they were asked. */
export function failuresOf(record: RequestRecord): CountedFailure[] {
  const { decision, failedTries } = record;
  const failed = failedTries.map(({ endpoint, kind }) => failure(endpoint, kind, decision?.endpoint !== endpoint));
  if (brokeOff(record) && decision !== undefined) failed.push(failure(decision.endpoint, record.error?.code, false));
  return failed;
}

/** The endpoint that was asked last is to blame, and was not counted as tried in vain. */
function brokeOff({ outcome, decision, failedTries }: RequestRecord): boolean {
  return outcome === 'upstream_error' && failedTries.at(-1)?.endpoint !== decision?.endpoint;
}

function failure({ name }: Endpoint, error: string | undefined, retried: boolean): CountedFailure {
  const kind = KINDS.get(error ?? '') ?? 'failed';
  return { endpoint: name, kind, retried, isItsFault: kind !== 'unsupported' };
}
