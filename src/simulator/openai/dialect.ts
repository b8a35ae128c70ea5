import type { Call } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { MessagesStyle } from '../forms/messages-form.ts';
import type { ResponsesStyle } from '../forms/responses-styles.ts';
import type { Host } from '../host.ts';
import type { Capability, SimulatedModel } from '../simulation.ts';
import type { TranscriptionRequest } from '../transcription.ts';
import type { Body } from './body.ts';
import type { ApiFailure } from './failure.ts';
import type { Ranking } from './ranking.ts';
import type { Style } from './style.ts';

/** In what form a prompt was asked for: servers word their refusals by it. */
export type PromptForm = 'chat' | 'response' | 'message' | 'text';

/** What a server refuses and how it says so; the checks throw {@link ApiFailure}. */
export interface Dialect {
  readonly style: Style;
  readonly messages: MessagesStyle;
  readonly responses: ResponsesStyle;
  /** Paths that servers of this kind usually do not have. */
  readonly lacks: readonly string[];
  error(failure: ApiFailure): object;
  /** The error object under `/v1/messages`. */
  messagesError(failure: ApiFailure, exchange: Exchange): object;
  /** Routes that only this kind has; true when it answered. */
  answeredItself(host: Host, exchange: Exchange): Promise<boolean>;
  refuseKey(exchange: Exchange, given: string | undefined): Promise<void>;
  /** An unknown path, or a known one with another method. */
  unknownRoute(exchange: Exchange, isKnownPath: boolean): Promise<void>;
  badJson(text: string): ApiFailure;
  model(host: Host, name: unknown, wanted: Capability | undefined): SimulatedModel;
  modelItem(model: SimulatedModel): object;
  checkChat(body: Body): void;
  checkMessages(messages: unknown, model: SimulatedModel): void;
  checkCompletion(body: Body): void;
  checkEmbedding(body: Body): void;
  checkMessagesBody(body: Body): void;
  checkResponse(body: Body): void;
  checkRerank(body: Body): void;
  rankingAnswer(ranking: Ranking): object;
  /** The request, unless the server refuses it; undefined: it was no form. */
  checkTranscription(request: TranscriptionRequest | undefined): TranscriptionRequest;
  /** Refuses a chat completion (or what became one) with tools or images that the model cannot use. */
  checkAbilities(body: Body, model: SimulatedModel): void;
  /** Refuses texts to embed or rank that are too long. */
  checkTexts(texts: readonly string[], model: SimulatedModel, operation: string): void;
  /** Refuses a prompt that is too long; limits the answer to the context. */
  fitting(call: Call, form: PromptForm): Call;
}
