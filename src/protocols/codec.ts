import type { AnswerEvent } from '../domain/answer.ts';
import type { Ask, AskPart, EmbeddingAsk, RawJson, Vectors } from '../domain/ask.ts';
import type { JsonObject } from '../domain/json.ts';

/** Where a body keeps its conversation, and in whose words: an array of messages, `input` of `/v1/responses`, or one prompt. */
export type Conversation = 'ollama' | 'generate' | 'chat' | 'anthropic' | 'responses';

/** Turns answer events into a client's bytes. */
export interface AnswerEncoder {
  readonly contentType: string;
  readonly streaming: boolean;
  /** The text to send for these events; empty where they add nothing yet. */
  push(events: readonly AnswerEvent[]): string;
  /** The text that completes the answer. */
  end(): string;
  /** The text that ends a broken stream so that it does not look complete; empty for a whole answer. */
  fail(message: string): string;
}

/** The endpoint's side of a translation: from an `Ask` to its request, from its answer to answer events. */
export interface EndpointCodec {
  /** Throws `RouterError` for what this kind of endpoint cannot do. */
  encode(ask: Ask, model: string): EncodedAsk;
  decoder(ask: Ask): AnswerDecoder;
  encodeEmbedding(ask: EmbeddingAsk, model: string): EncodedEmbedding;
  /** Throws `EndpointFailure` where these are not the vectors that were asked for. */
  decodeVectors(answer: JsonObject, ask: EmbeddingAsk): Vectors;
}

/** A request to an endpoint. */
export interface EncodedAsk {
  readonly path: string;
  readonly body: RawJson;
  /** Parts of the ask that are not in the body: an endpoint of this kind has no name for them. */
  readonly dropped: readonly AskPart[];
  /** Where the body keeps its conversation, if it has one. */
  readonly conversation?: Conversation;
}

export type EncodedEmbedding = Pick<EncodedAsk, 'path' | 'body'>;

/** Turns the records of an endpoint's answer, streamed or whole, into answer events. */
export interface AnswerDecoder {
  /** Throws `EndpointFailure` for a record that makes no sense. */
  decode(record: JsonObject): AnswerEvent[];
}
