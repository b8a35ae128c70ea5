import type { EmbeddingAsk, Vectors } from '../../domain/ask.ts';
import type { JsonObject } from '../../domain/json.ts';
import { RouterError } from '../../errors.ts';
import type { EncodedEmbedding } from '../codec.ts';

export function encodeEmbed(_ask: EmbeddingAsk, _model: string): EncodedEmbedding {
  throw new RouterError('unsupported', 'not written yet');
}

export function decodeEmbed(_answer: JsonObject, _ask: EmbeddingAsk): Vectors {
  throw new RouterError('unsupported', 'not written yet');
}
