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
  /** Names and values in turn, as node's `rawHeaders`; `Host` and `Content-Length` are added. */
  readonly headers: readonly string[];
  readonly body?: Buffer;
  /** All in milliseconds. */
  readonly timeouts: { readonly connect: number; readonly firstByte: number; readonly idle: number };
}

/** A request under way. Leaving its block aborts it unless its answer has come in full. */
export interface Exchange extends Disposable {
  /**
   * The answer from its head on. Rejects with `EndpointFailure` where none came. A request that met a connection the
   * endpoint had already given up is sent once more on a fresh one.
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

/** The value of a header in a flat list, the first where it stands twice; `name` in lower case. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i];
    if (candidate?.length === name.length && candidate.toLowerCase() === name) return headers[i + 1];
  }
  return undefined;
}
