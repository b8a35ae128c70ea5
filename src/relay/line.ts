import type { Endpoint } from '../domain/endpoint.ts';
import type { RequestRecord } from '../domain/request-record.ts';
import type { EndpointFailure } from '../errors.ts';
import type { Call } from '../protocols/call.ts';
import type { Router } from '../routing/router.ts';
import type { UpstreamClient } from '../upstream/client.ts';
import type { Ledger } from '../usage/ledger.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { Pictures } from './pictures.ts';
import type { RecoverySettings } from './recovery.ts';

/** What the life of a request needs of the rest of the router. */
export interface Line {
  readonly router: Router;
  readonly upstream: UpstreamClient;
  readonly ledger: Ledger;
  /** Asks an endpoint anew what it has; resolves when that is known or the endpoint has not answered in time. */
  readonly probe: (endpoint: Endpoint) => Promise<void>;
  /** Told of every failure of an endpoint: it is held against it, and said to the operator. */
  readonly failed: (endpoint: Endpoint, failure: EndpointFailure) => void;
  readonly heartbeats: Heartbeats;
  readonly pictures: Pictures;
  readonly recovery: RecoverySettings;
  /** Whether clients are told which endpoint answers, and why. */
  readonly tellsRoute: boolean;
  /** The place in the trace that an endpoint is given; absent, or undefined, where the client's own goes on. */
  readonly traceparentFor?: ((record: RequestRecord) => string | undefined) | undefined;
  readonly timeouts: { readonly connect: number; readonly firstByte: number; readonly idle: number };
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

/** A client's call with what of its HTTP request goes on to the endpoint. */
export interface Incoming {
  readonly call: Call;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
  /** What follows the `?`, without the router's own parameters; empty where there is none. */
  readonly query: string;
  readonly record: RequestRecord;
}
