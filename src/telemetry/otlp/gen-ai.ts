import type { Endpoint, EndpointKind } from '../../domain/endpoint.ts';

/** Names of operations, by route: those of the conventions where they have one. */
const OPERATIONS = new Map([
  ['/api/chat', 'chat'],
  ['/v1/chat/completions', 'chat'],
  ['/v1/responses', 'chat'],
  ['/v1/messages', 'chat'],
  ['/v1/messages/count_tokens', 'count_tokens'],
  ['/api/generate', 'text_completion'],
  ['/v1/completions', 'text_completion'],
  ['/v1/systemone', 'text_completion'],
  ['/api/embed', 'embeddings'],
  ['/api/embeddings', 'embeddings'],
  ['/v1/embeddings', 'embeddings'],
  ['/rerank', 'rerank'],
  ['/v1/rerank', 'rerank'],
  ['/v2/rerank', 'rerank'],
  ['/reranking', 'rerank'],
  ['/v1/reranking', 'rerank'],
  ['/v1/audio/transcriptions', 'transcription'],
  ['/v1/audio/translations', 'translation'],
]);

const PROVIDERS: Readonly<Record<EndpointKind, string>> = {
  ollama: 'ollama',
  'llama-server': 'llama_cpp',
  vllm: 'vllm',
  openai: 'openai',
};

/** What stands in attributes for what must not have a name of its own there. */
export const OTHER = 'other';

/** `gen_ai.operation.name` of a route that asks a model. */
export function operationOf(route: string | undefined): string {
  return OPERATIONS.get(route ?? '') ?? OTHER;
}

/** An endpoint as the conventions name it. */
export interface Provider {
  readonly name: string;
  /** Without the brackets of an IPv6 address; undefined where the endpoint's URL is none. */
  readonly address: string | undefined;
  readonly port: number | undefined;
}

const known = new WeakMap<Endpoint, Provider>();

/** `gen_ai.provider.name`, `server.address` and `server.port` of an endpoint. */
export function providerOf(endpoint: Endpoint): Provider {
  const found = known.get(endpoint);
  if (found !== undefined) return found;
  const url = URL.parse(endpoint.base);
  const provider = {
    name: PROVIDERS[endpoint.kind],
    address: url?.hostname.replace(/^\[|\]$/g, ''),
    port: url === null ? undefined : Number(url.port) || (url.protocol === 'https:' ? 443 : 80),
  };
  known.set(endpoint, provider);
  return provider;
}
