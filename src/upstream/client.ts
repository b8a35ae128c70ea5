/** The one way to talk to endpoints. Implementations pass the suite in `test/upstream/client-suite.ts`. */
export interface UpstreamClient {
  /** Sends a request. Nothing is thrown: failures reject the exchange's `answer`. */
  open(request: UpstreamRequest): Exchange;
  /** Ends every connection; exchanges under way, and those opened later, are aborted. */
  close(): void;
}

export interface UpstreamRequest {
  /** Scheme, authority and path prefix: `http://gpu-a:11434`. */
  readonly base: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Path and query, appended to `base`'s prefix. */
  readonly path: string;
  /** Names and values in turn, as node's `rawHeaders`; `Host` and what frames the body are added. */
  readonly headers: readonly string[];
  /** Whole, or sent as it comes: a streamed body goes out on a fresh connection and is never sent again. */
  readonly body?: Buffer | StreamedBody;
  /**
   * All in milliseconds. For a streamed body `idle` is also how long the endpoint may take nothing of it, and the wait
   * for the first byte begins with its end.
   */
  readonly timeouts: { readonly connect: number; readonly firstByte: number; readonly idle: number };
}

/** A request's body that is sent piece by piece, at the pace of the endpoint. */
export interface StreamedBody {
  /** In bytes, where it is known beforehand; else the body goes out in chunks. */
  readonly size: number | undefined;
  /** Called once, with where the pieces go. */
  start(sink: BodySink): void;
  /** More may be written, after a `write` that gave false. */
  drained(): void;
}

/** Takes a streamed body. Once the request has its answer or has failed, what still comes is dropped. */
export interface BodySink {
  /** Keeps the bytes until they are sent. False: no more before `drained`. */
  write(bytes: Buffer): boolean;
  /** The body is complete. */
  end(): void;
}

/** A request under way. Leaving its block aborts it unless its answer has come in full. */
export interface Exchange extends Disposable {
  /**
   * The answer from its head on. Rejects with `EndpointFailure` where none came. A request that met a connection the
   * endpoint had already given up is sent once more on a fresh one. It may come before a streamed body is sent in full;
   * the rest is then not sent.
   */
  readonly answer: Promise<UpstreamAnswer>;
  /** Ends the request at once and closes its connection; whoever waits for the answer or its rest gets `ClientGone`. */
  abort(): void;
}

export interface UpstreamAnswer {
  readonly status: number;
  /** Names and values in turn, as they came; framing headers included. */
  readonly headers: readonly string[];
  /** Delivers the body, from its first byte on. To be called once. */
  read(sink: AnswerSink): void;
  /**
   * Stops and continues reading from the endpoint. During a pause no `data` comes, though `end` may, and the silence
   * is not the endpoint's.
   */
  pause(): void;
  resume(): void;
}

/** Receives an answer's body: any number of `data`, then exactly one of `end` and `fail`. */
export interface AnswerSink {
  /** The bytes are overwritten after the call: what is kept is copied. */
  data(bytes: Buffer): void;
  /** The body is complete by its own framing. */
  end(): void;
  /** The body broke off or the endpoint fell silent: an `EndpointFailure`. Else `ClientGone`, or what the sink threw. */
  fail(error: Error): void;
}
