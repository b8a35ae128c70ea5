import type { EmbeddingAsk, Vectors } from '../../domain/ask.ts';
import { asArray, asNumber, type JsonObject } from '../../domain/json.ts';
import type { EncodedEmbedding } from '../codec.ts';
import { objectText, text } from '../json/write.ts';
import { checkCount, readVector, shorten } from '../vectors.ts';

/** Asks an Ollama that has no `/v1/embeddings` for vectors. */
export function encodeEmbed(ask: EmbeddingAsk, model: string): EncodedEmbedding {
  // An empty text by itself would only load the model.
  const input = ask.input === '""' ? '[""]' : ask.input;
  const body = { model: text(model), input, dimensions: text(ask.dimensions) };
  return { path: '/api/embed', body: objectText(body) };
}

/** Reads the vectors, which are in the texts' order; older versions do not know `dimensions`. */
export function decodeEmbed(answer: JsonObject, ask: EmbeddingAsk): Vectors {
  const found = asArray(answer['embeddings']);
  checkCount(found.length, ask.count);
  const vectors = found.map((vector) => shorten(readVector(vector), ask.dimensions));
  return { vectors, promptTokens: asNumber(answer['prompt_eval_count']) ?? 0 };
}
