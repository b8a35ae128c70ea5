import type { Secret } from './secret.ts';

/** What an endpoint is: decides which protocols it speaks and which request fields it tolerates. */
export type EndpointKind = 'ollama' | 'llama-server' | 'vllm' | 'openai';

/** A wire format that clients and endpoints speak. */
export type Protocol = 'ollama' | 'openai' | 'anthropic';

/** How an endpoint can serve a route: it has the route, a translation leads to one that it has, or not at all. */
export type Reach = 'native' | 'translated' | 'none';

/** A configured server that runs models. Frozen; compared by identity. */
export interface Endpoint {
  /** As configured, without credentials and trailing slash: the key of every statistic, e.g. `http://gpu-a:11434`. */
  readonly url: string;
  /** What people and messages call it: configured, else host and port. Unique. */
  readonly name: string;
  readonly kind: EndpointKind;
  /** Scheme, authority and path prefix without `/v1` and without trailing slash; routes are appended to it. */
  readonly base: string;
  /** Requests it runs at once per model, where configured for this endpoint; beats what the endpoint reports. */
  readonly slots?: number;
  /** Sent to this endpoint and to no other. */
  readonly key?: Secret;
  /** The only models it may serve, as it lists them; absent means all. */
  readonly models?: readonly string[];
  /** Whether Ollama cloud names may be sent to it although it does not list them. */
  readonly cloud: boolean;
  /** False: models are pulled, made and removed here only where a request names this endpoint. */
  readonly managed?: boolean;
}
