import { type Endpoint, speaks } from '../domain/endpoint.ts';
import type { Listing } from '../domain/model.ts';
import { withoutLocal } from '../domain/model-name.ts';
import { RouterError } from '../errors.ts';
import type { AnswerPipe, Call, Names } from '../protocols/call.ts';
import { setValue, splice } from '../protocols/json/splice.ts';
import { text } from '../protocols/json/write.ts';
import { RecordDecoder } from '../protocols/openai/answer-decoder.ts';
import { RenderedDecoder } from '../protocols/openai/rendered-decoder.ts';
import { encodeAsk } from '../protocols/openai/request.ts';
import { TranslatedPipe } from '../protocols/translated-pipe.ts';

/** How a call travels to one endpoint and its answer back. */
export interface Lane {
  readonly path: string;
  readonly body: Buffer;
  /** The client's own bytes and the endpoint's, as both speak one protocol. */
  readonly native: boolean;
  pipe(contentType: string): AnswerPipe;
}

/** The lane to an endpoint: verbatim where it speaks the client's protocol, else translated. Throws `unsupported`. */
export function laneTo(listing: Listing, call: Call, now: () => number): Lane {
  const { endpoint } = listing;
  const { translation } = call.operation;
  if (speaks(endpoint, call.operation.protocol)) return verbatimLane(listing, call);
  if (translation === undefined || endpoint.kind === 'ollama' || call.intent !== 'answer') throw noLane(call, endpoint);
  const ask = translation.ask(call);
  const { path, body } = encodeAsk(ask, listing.model.id, endpoint.kind);
  const decoder = ask.renderOnly === true ? new RenderedDecoder(ask) : new RecordDecoder(ask.topLogprobs ?? 0);
  const encoder = translation.encoder(call, now);
  return { path, body: Buffer.from(body), native: false, pipe: (type) => new TranslatedPipe(decoder, encoder, type) };
}

/** The lane to an endpoint that speaks the client's protocol. */
export function verbatimLane(listing: Listing, call: Call): Lane {
  const { operation } = call;
  const names = { client: call.model, upstream: upstreamName(listing, call.model) };
  const body = splice(call.body, [...operation.edits(call, listing.endpoint), ...nameEdit(call, names)]);
  const pipe = (type: string) => operation.verbatim(call, listing.endpoint, type, names);
  return { path: operation.path, body, native: true, pipe };
}

/** What the endpoint is to read as the model's name: the client's spelling wherever it understands that. */
function upstreamName({ endpoint, model }: Listing, client: string): string {
  if (endpoint.kind === 'ollama') return withoutLocal(client);
  return model.aliases.includes(client) ? client : model.id;
}

function nameEdit({ fields, modelField }: Call, { client, upstream }: Names) {
  const member = fields.member(modelField);
  return client === upstream || member === undefined ? [] : [setValue(member, text(upstream))];
}

function noLane(call: Call, endpoint: Endpoint): RouterError {
  return new RouterError('unsupported', `${call.operation.path} is not supported by ${endpoint.name}`);
}
