import type { EmbeddingAsk, Vectors } from '../../domain/ask.ts';
import type { EndpointKind } from '../../domain/endpoint.ts';
import type { JsonObject } from '../../domain/json.ts';
import { RouterError } from '../../errors.ts';
import type { EncodedEmbedding } from '../codec.ts';

type Kind = Exclude<EndpointKind, 'ollama'>;

export function encodeEmbedding(_ask: EmbeddingAsk, _model: string, _kind: Kind): EncodedEmbedding {
  throw new RouterError('unsupported', 'not written yet');
}

export function decodeVectors(_answer: JsonObject, _ask: EmbeddingAsk, _kind: Kind): Vectors {
  throw new RouterError('unsupported', 'not written yet');
}
