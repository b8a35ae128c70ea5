import type { AnswerEvent, TokenUsage } from '../domain/answer.ts';
import type { Ask } from '../domain/ask.ts';
import type { Endpoint, Protocol } from '../domain/endpoint.ts';
import type { RouterError } from '../errors.ts';
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
}

/** One route of a protocol that asks a model: how its requests and answers are read, changed and translated. */
export interface Operation {
  readonly protocol: Protocol;
  /** The route, at the client's side and at an endpoint that speaks the protocol. */
  readonly path: string;
  /** Throws `RouterError` where the protocol's own server would refuse. */
  decode(body: Buffer): Call;
  /** What must change in the body for an endpoint that speaks the protocol, beside the model's name. */
  edits(call: Call, endpoint: Endpoint): Edit[];
  /** Lets the answer of an endpoint that speaks the protocol through. */
  verbatim(call: Call, endpoint: Endpoint, contentType: string, names: Names): AnswerPipe;
  /** How much context the client wants the model to be loaded with, where requests can say so and this one does. */
  contextLength?(call: Call): number | undefined;
  /** What a model is answered with that no endpoint has. */
  unknownModel(model: string): RouterError;
  /** What a load or unload is answered with, where the operation has them. */
  acknowledge?(call: Call): string;
  /** For endpoints that do not speak the protocol; absent where every endpoint does, or none other can. */
  readonly translation?: Translation;
}

/** The client's side of a translation: from its request to an `Ask`, from answer events to its bytes. */
export interface Translation {
  ask(call: Call): Ask;
  /** `now` gives milliseconds of a monotonic clock. */
  encoder(call: Call, now: () => number): AnswerEncoder;
}

/** What the client and the request sent upstream call the model. */
export interface Names {
  readonly client: string;
  readonly upstream: string;
}

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
  /** Tokens counted so far; known at the end at the latest. */
  readonly usage: TokenUsage | undefined;
}

export const NOTHING: Buffer = Buffer.alloc(0);
