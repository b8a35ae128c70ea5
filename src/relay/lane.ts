import type { Endpoint, Reach } from '../domain/endpoint.ts';
import type { Listing } from '../domain/model.ts';
import { withoutLocal } from '../domain/model-name.ts';
import { RouterError } from '../errors.ts';
import type { AnswerPipe, Call, EmbeddingTranslation, Names, Operation, Translation } from '../protocols/call.ts';
import type { Conversation } from '../protocols/codec.ts';
import { ConvertedPipe } from '../protocols/converted-pipe.ts';
import { ENDPOINT_CODECS } from '../protocols/endpoint-codecs.ts';
import { setValue, splice } from '../protocols/json/splice.ts';
import { text } from '../protocols/json/write.ts';
import { TranslatedPipe } from '../protocols/translated-pipe.ts';
import type { Gaps } from '../routing/gaps.ts';

/** How a call travels to one endpoint and its answer back. */
export interface Lane {
  readonly path: string;
  readonly body: Buffer;
  readonly contentType: string;
  /** The client's own bytes and the endpoint's, as the endpoint has the route. */
  readonly native: boolean;
  /** What of the request the endpoint is not told, in the client's words. */
  readonly dropped: readonly string[];
  /** Where the body keeps its conversation, if it has one. */
  readonly conversation: Conversation | undefined;
  /** What the client is told where the endpoint finds it too long; else the endpoint's own words. */
  readonly overflow?: string | undefined;
  pipe(contentType: string): AnswerPipe;
}

const JSON_TYPE = 'application/json';
const NONE: readonly string[] = [];

/** How the endpoint can serve the operation, as far as is known by now. */
export function reachOf(operation: Operation, endpoint: Endpoint, gaps: Gaps): Reach {
  const { native, translation } = operation;
  if (native.includes(endpoint.kind) && !gaps.has(endpoint, pathAt(operation, endpoint))) return 'native';
  return translation?.targets.includes(endpoint.kind) === true ? 'translated' : 'none';
}

/** The lane to an endpoint: verbatim where it has the client's route, else translated. Throws `unsupported` or `not_implemented`. */
export function laneTo(listing: Listing, call: Call, gaps: Gaps, now: () => number): Lane {
  const { endpoint } = listing;
  const reach = reachOf(call.operation, endpoint, gaps);
  const { translation } = call.operation;
  if (reach === 'native' && call.operation.losesNatively?.(call, endpoint) !== true) return verbatimLane(listing, call);
  if (reach === 'none' || translation === undefined || call.intent !== 'answer') throw noLane(call.operation, endpoint);
  return translation.kind === 'answer'
    ? translatedLane(listing, call, translation, now)
    : embeddingLane(listing, call, translation, now);
}

/** The lane to an endpoint that has the client's route. */
export function verbatimLane(listing: Listing, call: Call): Lane {
  const { operation } = call;
  const { endpoint } = listing;
  const upstream = upstreamName(listing, call.model);
  // Ollama answers with the name that it was asked for, any other server perhaps with its own.
  const own = endpoint.kind === 'ollama' ? upstream : listing.model.id;
  const names = { client: call.model, upstream, own };
  const body = splice(call.body, [...operation.edits(call, endpoint), ...nameEdits(call, names)]);
  return {
    path: pathAt(operation, endpoint),
    body,
    contentType: call.contentType ?? JSON_TYPE,
    native: true,
    dropped: operation.omits?.(call, endpoint) ?? NONE,
    conversation: operation.conversation,
    pipe: (type: string) => operation.verbatim(call, endpoint, type, names),
  };
}

function translatedLane({ endpoint, model }: Listing, call: Call, translation: Translation, now: () => number): Lane {
  const codec = ENDPOINT_CODECS[endpoint.kind];
  const ask = translation.ask(call);
  const { path, body, dropped, conversation } = codec.encode(ask, model.id);
  const decoder = codec.decoder(ask);
  const encoder = translation.encoder(call, now);
  return {
    path,
    body: Buffer.from(body),
    contentType: JSON_TYPE,
    native: false,
    dropped: [...(ask.dropped ?? NONE), ...dropped.map((part) => translation.nameOf(part))],
    conversation,
    pipe: (type) => new TranslatedPipe(decoder, encoder, type),
  };
}

function embeddingLane(
  { endpoint, model }: Listing,
  call: Call,
  translation: EmbeddingTranslation,
  now: () => number,
): Lane {
  const codec = ENDPOINT_CODECS[endpoint.kind];
  const ask = translation.ask(call);
  const startedAt = now();
  const { path, body } = codec.encodeEmbedding(ask, model.id);
  const pipe = () =>
    new ConvertedPipe((answer) => {
      const vectors = codec.decodeVectors(answer, ask);
      const usage = { promptTokens: vectors.promptTokens, completionTokens: 0 };
      return { text: translation.encode(call, vectors, now() - startedAt), usage };
    });
  const fixed = { contentType: JSON_TYPE, native: false, dropped: ask.dropped, conversation: undefined };
  return { ...fixed, path, body: Buffer.from(body), overflow: translation.overflow, pipe };
}

function pathAt(operation: Operation, endpoint: Endpoint): string {
  return operation.pathAt === undefined ? operation.path : operation.pathAt(endpoint);
}

/** What the endpoint is to read as the model's name: the client's spelling wherever it understands that. */
function upstreamName({ endpoint, model }: Listing, client: string): string {
  if (endpoint.kind === 'ollama') return withoutLocal(client);
  return model.aliases.includes(client) ? client : model.id;
}

function nameEdits(call: Call, { client, upstream }: Names) {
  if (client === upstream) return [];
  if (call.operation.nameEdits !== undefined) return call.operation.nameEdits(call, upstream);
  const member = call.fields.member(call.modelField);
  return member === undefined ? [] : [setValue(member, text(upstream))];
}

function noLane({ path }: Operation, endpoint: Endpoint): RouterError {
  return new RouterError('not_implemented', `${path} is not supported by ${endpoint.name} (${endpoint.kind})`);
}
