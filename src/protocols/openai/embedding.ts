import type { EmbeddingAsk, Vectors } from '../../domain/ask.ts';
import type { EndpointKind } from '../../domain/endpoint.ts';
import { asArray, asNumber, asObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { EndpointFailure } from '../../errors.ts';
import type { EncodedEmbedding } from '../codec.ts';
import { objectText, text } from '../json/write.ts';
import { checkCount, readVector, shorten } from '../vectors.ts';
import { readPromptUsage } from './embedding-usage.ts';

type Kind = Exclude<EndpointKind, 'ollama'>;

/** Asks for vectors at `/v1/embeddings`; llama-server does not know `dimensions`. */
export function encodeEmbedding(ask: EmbeddingAsk, model: string, kind: Kind): EncodedEmbedding {
  const dimensions = kind === 'llama-server' ? undefined : text(ask.dimensions);
  const body = { model: text(model), input: ask.input, encoding_format: text('float'), dimensions };
  return { path: '/v1/embeddings', body: objectText(body) };
}

/** Reads the vectors, by their `index`. Some servers call themselves OpenAI-compatible and ignore `dimensions`, too. */
export function decodeVectors(answer: JsonObject, ask: EmbeddingAsk): Vectors {
  const items = asArray(answer['data']);
  checkCount(items.length, ask.count);
  const vectors = inOrder(items).map(({ embedding }) => shorten(readVector(embedding), ask.dimensions));
  return { vectors, promptTokens: readPromptUsage(answer['usage'])?.promptTokens ?? 0 };
}

/** Each item in its place, which is where it stands unless it says otherwise. */
function inOrder(items: readonly JsonValue[]): JsonObject[] {
  const placed = items.map((item, place) => {
    const object = asObject(item) ?? {};
    return { object, index: asNumber(object['index']) ?? place };
  });
  const sorted = placed.sort((a, b) => a.index - b.index);
  if (sorted.some(({ index }, place) => index !== place))
    throw new EndpointFailure('invalid', 'sent embeddings without saying of which texts');
  return sorted.map(({ object }) => object);
}
