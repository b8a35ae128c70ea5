/** Every failure the router itself reports: its code, and the status it has in every protocol. */
const STATUS = {
  invalid_json: 400,
  invalid_parameter: 400,
  model_required: 400,
  unsupported: 400,
  missing_api_key: 401,
  invalid_api_key: 401,
  origin_not_allowed: 403,
  model_not_found: 404,
  request_not_found: 404,
  unknown_route: 404,
  method_not_allowed: 405,
  body_timeout: 408,
  body_too_large: 413,
  unsupported_encoding: 415,
  // As nginx has it; OpenAI's clients would try a 5xx twice more.
  cancelled: 499,
  internal: 500,
  not_implemented: 501,
  upstream_unreachable: 502,
  upstream_auth: 502,
  model_unavailable: 503,
  endpoint_unavailable: 503,
  router_busy: 503,
  upstream_timeout: 504,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** What an error says beside its message. */
interface Details {
  /** The request field at fault, as OpenAI's `param`. */
  readonly param?: string;
  /** Seconds after which another try may succeed; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** Extra response headers, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A failure that the router reports to the client in the client's protocol. */
export class RouterError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: Details;

  constructor(code: ErrorCode, message: string, details: Details = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = STATUS[code];
    this.details = details;
  }
}

/** An endpoint did not do its job: no connection, no answer in time, a broken or senseless answer. */
export class EndpointFailure extends Error {
  readonly reason: 'unreachable' | 'timeout' | 'broken' | 'invalid';

  constructor(reason: EndpointFailure['reason'], message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** The code of a failure for which no other endpoint made up. */
export function failureCode({ reason }: EndpointFailure): ErrorCode {
  return reason === 'timeout' ? 'upstream_timeout' : 'upstream_unreachable';
}

/** An endpoint said "I cannot, because": its status and words, to be passed on or answered by another endpoint. */
export class Refusal extends Error {
  readonly status: number;
  /** The body as it came, where clients of this protocol can read it as it is. */
  readonly body: Buffer | undefined;
  /** The endpoint's headers, names and values in turn. */
  readonly headers: readonly string[];

  constructor(status: number, message: string, body?: Buffer, headers: readonly string[] = []) {
    super(message);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** An error in one word, for statistics: a code, the reason of an endpoint's failure, or `refused`. */
export function errorKind(error: unknown): ErrorCode | EndpointFailure['reason'] | 'refused' {
  if (error instanceof RouterError) return error.code;
  if (error instanceof EndpointFailure) return error.reason;
  return error instanceof Refusal ? 'refused' : 'internal';
}

/** What a client is told whose request was ended by somebody else. */
export const CANCELLED = 'the request was cancelled at the router';

/** The client left: an abort, nobody's fault, reported to no one. */
export class ClientGone extends Error {
  constructor() {
    super('the client left');
  }
}
