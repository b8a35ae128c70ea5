import type { Endpoint } from './endpoint.ts';
import type { JsonObject } from './json.ts';

/** A model as one endpoint lists it. */
export interface ListedModel {
  /** The endpoint's own name for it; statistics and slots are kept under it. */
  readonly id: string;
  /** Other names the endpoint accepts for it. */
  readonly aliases: readonly string[];
  /** In memory now, so that a request starts without a load. */
  readonly loaded: boolean;
  /** The endpoint loads and unloads it when told to: llama-server in router mode. */
  readonly managed?: boolean;
  /** Its process runs without the weights in memory, and wakes with the next request. */
  readonly sleeping?: boolean;
  /** The last attempt to load it failed. */
  readonly failed?: boolean;
  /** Requests it runs at once, where the endpoint says so (llama-server's `total_slots`). */
  readonly slots?: number;
  /** Tokens one request may use, prompt and completion together. */
  readonly contextLength?: number;
  /** An Ollama server's own entries of `/api/tags` and, while it is loaded, of `/api/ps`. */
  readonly tags?: JsonObject;
  readonly ps?: JsonObject;
  /** The entry of `/v1/models` of any other server, and llama-server's `/props`. */
  readonly item?: JsonObject;
  readonly props?: JsonObject;
}

/** What a probe found at an endpoint. */
export interface Findings {
  readonly version: string;
  readonly models: readonly ListedModel[];
}

/** A model on an endpoint that can take a request for it. */
export interface Listing {
  readonly endpoint: Endpoint;
  readonly model: ListedModel;
}
