import type { EndpointKind } from '../domain/endpoint.ts';
import type { EndpointCodec } from './codec.ts';
import { NativeDecoder } from './ollama/answer-decoder.ts';
import { decodeEmbed, encodeEmbed } from './ollama/native-embedding.ts';
import { encodeNative } from './ollama/native-request.ts';
import { RecordDecoder } from './openai/answer-decoder.ts';
import { decodeVectors, encodeEmbedding } from './openai/embedding.ts';
import { RenderedDecoder } from './openai/rendered-decoder.ts';
import { encodeAsk } from './openai/request.ts';

/** How each kind of endpoint is asked where it does not have the client's route. */
export const ENDPOINT_CODECS: Readonly<Record<EndpointKind, EndpointCodec>> = {
  ollama: {
    encode: encodeNative,
    decoder: (ask) => new NativeDecoder(ask),
    encodeEmbedding: encodeEmbed,
    decodeVectors: decodeEmbed,
  },
  'llama-server': openaiStyle('llama-server'),
  vllm: openaiStyle('vllm'),
  openai: openaiStyle('openai'),
};

function openaiStyle(kind: Exclude<EndpointKind, 'ollama'>): EndpointCodec {
  return {
    encode: (ask, model) => encodeAsk(ask, model, kind),
    decoder: (ask) => (ask.renderOnly === true ? new RenderedDecoder(ask) : new RecordDecoder(ask.topLogprobs ?? 0)),
    encodeEmbedding: (ask, model) => encodeEmbedding(ask, model, kind),
    decodeVectors,
  };
}
