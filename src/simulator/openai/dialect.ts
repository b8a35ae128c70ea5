import type { Call } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { Capability, SimulatedModel } from '../simulation.ts';
import type { Body } from './body.ts';
import type { ApiFailure } from './failure.ts';
import type { Style } from './style.ts';

/** What a server refuses and how it says so; the checks throw {@link ApiFailure}. */
export interface Dialect {
  readonly style: Style;
  error(failure: ApiFailure): object;
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
  /** Refuses a prompt that is too long; limits the answer to the context. */
  fitting(call: Call): Call;
}
