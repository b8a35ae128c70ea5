import type { EndpointKind } from '../domain/endpoint.ts';

/** What a simulated model can do; the words are Ollama's, but for `rerank`, which no Ollama can. */
export type Capability = 'completion' | 'tools' | 'insert' | 'vision' | 'embedding' | 'thinking' | 'audio' | 'rerank';

/** A model of a simulated endpoint. Every field but the name has a default, see `model.ts`. */
export interface SimulatedModel {
  /** As the endpoint lists it; for Ollama the display form (`tiny` becomes `tiny:latest`). */
  readonly name: string;
  /** Other names it answers to (llama-server `--alias`). */
  readonly aliases: readonly string[];
  /** Bytes on disk. */
  readonly size: number;
  /** Bytes it takes of the endpoint's `vramBytes` while loaded. */
  readonly vram: number;
  /** Bare 64-hex digest. */
  readonly digest: string;
  /** Context in tokens; for llama-server per slot. */
  readonly contextLength: number;
  readonly embeddingLength: number;
  readonly family: string;
  /** As shown, e.g. `8.0B`. */
  readonly parameterSize: string;
  readonly parameterCount: number;
  readonly quantization: string;
  readonly capabilities: readonly Capability[];
  readonly modifiedAt: Date;
  /** Tokens of an answer whose request asks for no length ("... 40 tokens" in the last user message does). */
  readonly answerTokens: number;
  /** Tokens of reasoning before an answer, where the model thinks. */
  readonly reasoningTokens: number;
  /** A fixed answer instead of the generated text. */
  readonly answer?: string;
  /** Overrides the endpoint's speed. */
  readonly speed?: Speed;
  /** Overrides the endpoint's time to load. */
  readonly loadMs?: number;
  /** Overrides the endpoint's slots. */
  readonly slots?: number;
  /** llama-server in router mode: its process dies while it loads, every time. */
  readonly failsToLoad?: boolean;
}

/** Tokens per second; `Infinity` (the default) yields only one turn of the event loop per token. */
export interface Speed {
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
}

/** A model by its name alone, or with whatever else matters. */
export type ModelDescription = string | (Partial<SimulatedModel> & { readonly name: string });

/** One simulated server. */
export interface SimulatedEndpointOptions {
  readonly kind: EndpointKind;
  readonly models?: readonly ModelDescription[];
  /** 0 or absent: any free port, kept over `stop` and `start`. */
  readonly port?: number;
  readonly host?: string;
  /** Requests at once per model: Ollama's NUM_PARALLEL (default 1), llama-server's total_slots (4), else 64. */
  readonly slots?: number;
  /**
   * Ollama: how many may wait, 512 by default; more get its 503. Real Ollama counts only those that wait for a load;
   * the simulated one counts those that wait for a slot too, so that saturation can be had with one model.
   */
  readonly queueLimit?: number;
  /** Room for loaded models; the least recently used idle one leaves for a new one. Default: unlimited. */
  readonly vramBytes?: number;
  /** Loaded models at once: llama-server router mode `--models-max` (default 4), Ollama MAX_LOADED_MODELS (default 3). */
  readonly maxLoaded?: number;
  /** Required as bearer token (llama-server: X-Api-Key too). Ollama has none and ignores it. */
  readonly key?: string;
  /** llama-server: one model always in memory, or many that load on demand. Default `single`. */
  readonly mode?: 'single' | 'router';
  /** Default: 0.24.0 (Ollama; some answers differ by version), b8200 (llama-server), 0.11.0 (vLLM). */
  readonly version?: string;
  readonly speed?: Speed;
  readonly loadMs?: number;
  /** How long a model that leaves is still listed as running, with a past expiry; a request for it waits. Default 0. */
  readonly unloadMs?: number;
  /** Names of the models that are in memory at the start. */
  readonly loaded?: readonly string[];
  /** llama-server: names of models that are loaded and asleep at the start. */
  readonly sleeping?: readonly string[];
  /** llama-server in router mode: names of models whose last load failed, as their list says until the next load. */
  readonly failed?: readonly string[];
  /** llama-server: whether templates are used; without, it refuses tools. Default: yes, but for builds before b7000. */
  readonly jinja?: boolean;
  /** llama-server: started with `--embeddings`. */
  readonly embeddings?: boolean;
  /** llama-server: tokens of one text to embed or rerank at most (`--ubatch-size`). Default: the model's context. */
  readonly batchTokens?: number;
  /** Paths that this server's version does not have: answered as its kind answers unknown paths. */
  readonly lacks?: readonly string[];
  /** Paths it has although its kind usually lacks them: `/v1/messages` and `/v1/rerank` on kind `openai`. */
  readonly has?: readonly string[];
  /** Ollama: what `pull` and `create` find beyond the machine itself. */
  readonly registry?: readonly ModelDescription[];
  /** Ollama: who is signed in to its cloud; cloud models then run without being listed. Default: nobody. */
  readonly account?: string;
  /** How long a pull takes. Default 0. */
  readonly pullMs?: number;
  /** Requests that are kept on record, the latest. Default 10,000. */
  readonly recordLimit?: number;
  /** Ollama: CORS origins allowed beside its own defaults (OLLAMA_ORIGINS). */
  readonly origins?: readonly string[];
}

/** Which requests a fault meets. Absent fields meet all. `path` as text is exact and without the query. */
export interface FaultTarget {
  readonly path?: string | RegExp;
  readonly method?: string;
  /** The model as the client wrote it in its body (or `?model=`). */
  readonly model?: string;
}

/** Something that goes wrong. The fields may be combined; the first rule that meets a request is the one it gets. */
export interface FaultRule {
  readonly on?: FaultTarget;
  /** How many requests get it; unlimited by default. */
  readonly times?: number;
  /** How many matching requests pass unharmed first. */
  readonly skip?: number;
  /** Waits before anything is answered. */
  readonly delayMs?: number;
  /** Answers this instead of working; `body` as text or as an object for JSON. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readonly<Record<string, unknown>>;
  /** Reads the request and never answers. */
  readonly hang?: true;
  /** Destroys the socket after n bytes of the answer's body; 0: before the status line; 'head': right after the head. */
  readonly cutAtByte?: number | 'head';
  /** Writes the body in pieces that end at these offsets, each read alone by whoever reads at once. */
  readonly splitAt?: readonly number[];
  /** Every byte of the body read alone. */
  readonly oneByteWrites?: true;
  /** After so many tokens (steps of pull, push and create): the kind's own form of an error in the middle of a stream (or a 500 where nothing was sent). */
  readonly errorAfterTokens?: { readonly count: number; readonly message: string };
  /** After so many tokens: a clean end of the body without the terminal object. */
  readonly silentEndAfterTokens?: number;
  /** After so many tokens: nothing more, connection open, slot held. */
  readonly stallAfterTokens?: number;
  /** `Connection: close`, and the socket is closed after the answer. */
  readonly closeAfterResponse?: true;
  /** New connections are reset at once; it counts per connection and `on` is ignored. `stop()` refuses them instead. */
  readonly refuseConnections?: true;
}

/** The faults of one endpoint. */
export interface FaultPlan {
  add(rule: FaultRule): void;
  clear(): void;
}

/** What happened to one request, up to now: the record goes on changing until the socket closes. */
export interface RecordedRequest {
  readonly id: number;
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly path: string;
  /** Header names and values as sent, in order, spelling kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The exact bytes, decoded from chunks only; empty until `bodyComplete`. */
  readonly body: Buffer;
  readonly bodyComplete: boolean;
  /** The body's first JSON value, or undefined. */
  readonly json: unknown;
  /** As the client wrote it. */
  readonly model: string | undefined;
  /** The status that was sent; undefined until then. */
  readonly status: number | undefined;
  /** Bytes of the answer's body handed to the socket. */
  readonly responseBytes: number;
  /** Tokens generated for it so far, reasoning included. */
  readonly tokens: number;
  /** Generation stands still now because the client does not read. */
  readonly blocked: boolean;
  /** How often generation stood still because the client did not read. */
  readonly blockedCount: number;
  /** The whole answer was handed to the socket and flushed. */
  readonly answered: boolean;
  /** The connection closed before the answer was complete, by the client's doing. */
  readonly clientLeft: boolean;
  /** The same for requests on the same connection. */
  readonly connection: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** When its connection closed. */
  readonly socketClosedAt: number | undefined;
}

/** Tokens counted over the life of an endpoint. */
export interface TokenTotals {
  readonly prompt: number;
  /** Prompt tokens that were a prefix already seen, part of `prompt`. */
  readonly cached: number;
  readonly completion: number;
}

/** A running simulated server; leaving its scope stops it. */
export interface SimulatedEndpoint extends AsyncDisposable {
  readonly kind: EndpointKind;
  /** `http://127.0.0.1:<port>`, without `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Every request whose head arrived, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** Display names of what is in memory now, least recently used first. */
  loadedModels(): readonly string[];
  /** Slots busy now, of one model or of all. */
  inFlight(model?: string): number;
  /** Most slots of this model that were ever busy at once. */
  peakInFlight(model: string): number;
  /** Requests that wait for a slot or a load. */
  waiting(): number;
  totals(model: string): TokenTotals;
  /** Forgets the requests recorded so far. */
  forgetRequests(): void;
  /** Refuses connections and destroys the open ones; models and records stay. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  start(): Promise<void>;
  addModel(model: ModelDescription): void;
  removeModel(name: string): void;
  /** Resolves when it is in memory. */
  load(name: string): Promise<void>;
  /** Takes it out of memory, after the requests in flight on it. */
  unload(name: string): void;
  /** llama-server: sends a loaded model to sleep; the next task wakes it. */
  sleep(name: string): void;
  /** Ends a load under way, which may have been told to take for ever (`loadMs: Infinity`). */
  finishLoading(name: string): void;
  /** Resolves as soon as the predicate holds; looks again at every change; rejects after `timeoutMs` (5000). */
  waitFor(predicate: (requests: readonly RecordedRequest[]) => boolean, timeoutMs?: number): Promise<void>;
}
