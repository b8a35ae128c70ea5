import type { RequestFilter } from '../../domain/request-record.ts';
import type { Spending, TokenCount } from '../ledger.ts';

/** The path that keeps nothing: for a router without a file. */
export const IN_MEMORY = ':memory:';

/** One request as it is kept: what it can be found by, and the rest as JSON text. */
export interface StoredRequest {
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly id: string;
  /** As the client spelled it. */
  readonly asked: string | undefined;
  /** As its endpoint lists it. */
  readonly model: string | undefined;
  readonly endpoint: string | undefined;
  readonly outcome: string | undefined;
  readonly client: string | undefined;
  /** JSON. */
  readonly record: string;
}

/** Which requests to list, newest first, and how many. */
export interface ListQuery extends RequestFilter {
  readonly limit: number;
}

/** Written in one transaction, once however often it is sent. */
export interface Batch {
  /** Unlike that of any other batch. */
  readonly id: string;
  readonly spendings: readonly Spending[];
  readonly requests: readonly StoredRequest[];
  /** Counts that an earlier file had and this one has not. */
  readonly lost: readonly TokenCount[];
}

/** A time and its models, whose names one client means. Times are Unix seconds, `to` included. */
export interface SeriesQuery {
  readonly models: readonly string[];
  readonly from: number | undefined;
  readonly to: number | undefined;
  /** Undefined: as fine as the time allows. */
  readonly bucketSeconds: number | undefined;
}

/** Tokens on one endpoint within one bucket of time. */
export interface Point {
  readonly endpoint: string;
  /** The bucket's start, in Unix seconds. */
  readonly timestamp: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface Series {
  /** By time, then endpoint. */
  readonly points: readonly Point[];
  readonly bucketSeconds: number;
  /** False while the history of a file from elsewhere is still being read. */
  readonly complete: boolean;
}

interface Opened {
  /** What the file already counts. */
  readonly counts: readonly TokenCount[];
}

export interface OpenOptions {
  /** The SQLite file, or `IN_MEMORY`. */
  readonly path: string;
  /** How long requests are kept, in milliseconds; undefined: those that are there stay. */
  readonly requestRetentionMs: number | undefined;
  /** The file may not grow beyond so many pages of 4 KiB. */
  readonly maxPages: number | undefined;
}

/** What can be asked of the thread that owns the database, and what it answers. */
export interface Calls {
  readonly open: { readonly ask: OpenOptions; readonly answer: Opened };
  readonly write: { readonly ask: Batch; readonly answer: null };
  readonly series: { readonly ask: SeriesQuery; readonly answer: Series };
  /** Rolls up what is older than `before` (Unix seconds); gives how many rows of days were written. */
  readonly aggregate: { readonly ask: { readonly before: number; readonly trim: boolean }; readonly answer: number };
  readonly findRequest: { readonly ask: { readonly id: string }; readonly answer: StoredRequest | undefined };
  readonly listRequests: { readonly ask: ListQuery; readonly answer: StoredRequest[] };
  readonly close: { readonly ask: null; readonly answer: null };
}

export type Operation = keyof Calls;

export type Question = {
  readonly [Name in Operation]: { readonly number: number; readonly name: Name; readonly ask: Calls[Name]['ask'] };
}[Operation];

/** Why the store did not do it. `locked`: somebody else writes; `asked`: the question is at fault; `failed`: anything else. */
export interface Failure {
  readonly kind: 'locked' | 'asked' | 'failed';
  readonly message: string;
  /** What a file that can be read alone counts. */
  readonly counts?: readonly TokenCount[] | undefined;
}

export type Reply =
  | { readonly number: number; readonly answer: Calls[Operation]['answer'] }
  | { readonly number: number; readonly failure: Failure }
  /** Unasked: the file was corrupt and is set aside, as the text says; an empty one takes its place. */
  | { readonly replaced: string };
