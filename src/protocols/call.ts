import type { Timings, TokenUsage } from '../domain/answer.ts';
import type { Ask, AskPart, EmbeddingAsk, Vectors } from '../domain/ask.ts';
import type { Endpoint, EndpointKind, Protocol } from '../domain/endpoint.ts';
import type { RouterError } from '../errors.ts';
import type { AnswerEncoder, Conversation } from './codec.ts';
import type { Fields } from './json/fields.ts';
import type { Edit } from './json/splice.ts';

/** One request of a client, decoded as far as routing needs; the rest stays bytes. */
export interface Call {
  readonly operation: Operation;
  /** The request's body as it came, and its top-level fields. */
  readonly body: Buffer;
  readonly fields: Fields;
  /** The model as the client spells it, and the field in which it does. */
  readonly model: string;
  readonly modelField: 'model' | 'name';
  readonly streaming: boolean;
  /** `load` and `unload` ask for no answer: Ollama's requests without a prompt. */
  readonly intent: 'answer' | 'load' | 'unload';
  /** What the body is, where it is no JSON. */
  readonly contentType?: string;
}

/** One route of a protocol that asks a model: how its requests and answers are read, changed and translated. */
export interface Operation {
  readonly protocol: Protocol;
  /** The route, at the client's side and at an endpoint that has it. */
  readonly path: string;
  /** Kinds of endpoints that have the route, as far as that can be known beforehand; some versions may not. */
  readonly native: readonly EndpointKind[];
  /** The route at this endpoint, where it has another name there. */
  pathAt?(endpoint: Endpoint): string;
  /** Throws `RouterError` where the protocol's own server would refuse. `contentType` is what the client calls the body. */
  decode(body: Buffer, contentType?: string): Call;
  /** What must change in the body for an endpoint that has the route, beside the model's name. */
  edits(call: Call, endpoint: Endpoint): Edit[];
  /** Whether this kind of endpoint's own route would pass over what the call asks for, and a translation would not. */
  losesNatively?(call: Call, endpoint: Endpoint): boolean;
  /** Fields that `edits` takes out, for which this kind of endpoint has no name. */
  omits?(call: Call, endpoint: Endpoint): readonly string[];
  /** Puts another model's name into the body, where that is no JSON. */
  nameEdits?(call: Call, name: string): Edit[];
  /** Lets the answer of an endpoint that has the route through. */
  verbatim(call: Call, endpoint: Endpoint, contentType: string, names: Names): AnswerPipe;
  /** How much context the client wants the model to be loaded with, where requests can say so and this one does. */
  contextLength?(call: Call): number | undefined;
  /** It asks nothing of the model: no tokens are spent. */
  readonly spendsNothing?: true;
  /** What a model is answered with that no endpoint has. */
  unknownModel(model: string): RouterError;
  /** What a load or unload is answered with, where the operation has them. */
  acknowledge?(call: Call): string;
  /** For endpoints that do not have the route; absent where every endpoint does, or none other can. */
  readonly translation?: Translation | EmbeddingTranslation;
  /** Where the body keeps its conversation, if it has one. */
  readonly conversation?: Conversation;
  /** Whether the client lets older turns go where they do not fit; undefined leaves it to the operator. */
  truncates?(call: Call): boolean | undefined;
  /** The requests to ask one after the other instead, where this kind of endpoint takes no more than one thing at a time. */
  split?(call: Call, endpoint: Endpoint): Split | undefined;
  /** What a stream says while its endpoint is silent; absent where nothing may be said. */
  heartbeat?(call: Call): Heartbeat;
}

/** A sign of life in a stream that no client takes for a part of the answer, and the head it goes out under. */
export interface Heartbeat {
  readonly contentType: string;
  readonly text: string;
}

/** The client's side of a translation: from its request to an `Ask`, from answer events to its bytes. */
export interface Translation {
  readonly kind: 'answer';
  /** Kinds of endpoints that it can be sent to. */
  readonly targets: readonly EndpointKind[];
  /** Throws `RouterError` for what can be asked of no other endpoint. */
  ask(call: Call): Ask;
  /** `now` gives milliseconds of a monotonic clock. */
  encoder(call: Call, now: () => number): AnswerEncoder;
  /** What the client calls a part of the ask: it is told which ones an endpoint has no name for. */
  nameOf(part: AskPart): string;
}

/** The same for texts that are turned into vectors. */
export interface EmbeddingTranslation {
  readonly kind: 'embedding';
  readonly targets: readonly EndpointKind[];
  ask(call: Call): EmbeddingAsk;
  /** What the client is told of a text that has more tokens than the model takes; else the endpoint's own words. */
  readonly overflow?: string;
  /** The whole answer, `durationMs` after the request was sent. */
  encode(call: Call, vectors: Vectors, durationMs: number): string;
}

/** One request as several, and how their answers become one. */
export interface Split {
  readonly count: number;
  /** The one in this place: made when it is its turn, since each is as large as all. */
  call(place: number): Call;
  readonly series: Series;
}

/** Joins answers that come one after the other. */
export interface Series {
  /** `failed`: an answer was an error, which the client has been told; `ended`: one broke off, and the reply with it. */
  readonly state: 'going' | 'failed' | 'ended';
  /** Takes the answer in this place, as it would be alone. */
  part(place: number, answer: AnswerPipe): AnswerPipe;
  /** What ends a stream of which some was sent. */
  fail(message: string): Buffer;
}

/** What the client and the request sent upstream call the model, and what the endpoint may call it in its answer instead. */
export interface Names {
  readonly client: string;
  readonly upstream: string;
  readonly own?: string;
}

/** Turns an endpoint's bytes into the client's: pure, fed by the line. */
export interface AnswerPipe {
  /** The content type to send, where it differs from the endpoint's. */
  readonly contentType: string | undefined;
  /** What it gives is to reach the client at once, held back by nobody on the way. */
  readonly streaming: boolean;
  /**
   * Takes the next bytes, which are overwritten after the call; gives what may go to the client now, as views of them
   * where nothing changes. Throws `Refusal` for an error in place of an answer.
   */
  push(bytes: Buffer): Buffer;
  /** The endpoint's body has ended by its own framing: gives the rest, with an error record where it is incomplete. */
  end(): Buffer;
  /** The endpoint's body broke off: gives a last error record, or undefined where the answer can only be cut. */
  fail(message: string): Buffer | undefined;
  /** Nothing that follows belongs to the answer. */
  readonly isOver: boolean;
  /** Tokens as the endpoint counted them for the whole answer: undefined until it has, which may be never. */
  readonly usage: TokenUsage | undefined;
  /**
   * Pieces of a streamed answer that have come, each about one completion token: what is known of an answer that breaks
   * off. A record counts as one where it carries any text, reasoning or part of a tool call. 0 for a whole answer.
   */
  readonly pieces: number;
  /** Prompt tokens, where the endpoint told them before its final counts. */
  readonly promptTokens?: number | undefined;
  /** What the endpoint said of time; known at the end. */
  readonly timings: Timings | undefined;
  /** Why a stream that has ended is no complete answer: in it, the client was told so. */
  readonly trouble?: string | undefined;
}

export const NOTHING: Buffer = Buffer.alloc(0);
