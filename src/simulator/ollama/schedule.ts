import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { type ModelUse, QueueFull } from '../machine.ts';
import type { Capability, SimulatedModel } from '../simulation.ts';
import { signedOut } from './account.ts';
import { OllamaFailure } from './failure.ts';
import { fullName } from './name.ts';
import { OptionError, readOptions } from './options.ts';
import { cloudModel, readName, stubName } from './source.ts';

/** The model of a request; the texts for an empty name differ by route. */
export function findModel(
  host: Host,
  name: string | undefined,
  empty: OllamaFailure,
  tryPulling = false,
): SimulatedModel {
  if (name === undefined || name.trim() === '') throw empty;
  const { base, source } = readName(name);
  const model = source === 'cloud' ? cloudModelOf(host, base) : host.machine.find(base);
  if (model !== undefined) return model;
  if (tryPulling) throw new OllamaFailure(404, `model "${name}" not found, try pulling it first`);
  throw new OllamaFailure(404, `model '${name}' not found`);
}

/** A cloud model needs no entry in the list, but somebody who is signed in. */
function cloudModelOf(host: Host, base: string): SimulatedModel {
  if (host.account === undefined) throw new OllamaFailure(401, 'unauthorized', signedOut);
  return host.machine.find(stubName(base)) ?? cloudModel(base);
}

export const modelIsRequired = new OllamaFailure(400, 'model is required');

/** Whether the model reasons: where it can and was not told otherwise. */
export function readThink(model: SimulatedModel, name: string, think: boolean | string | undefined): boolean {
  const can = model.capabilities.includes('thinking');
  if (can) return think !== false;
  if (think !== undefined && think !== false) throw new OllamaFailure(400, `"${name}" does not support thinking`);
  return false;
}

/** Refuses what the model cannot; `verb` is what the route calls a completion. */
export function requireCapabilities(
  model: SimulatedModel,
  name: string,
  wanted: readonly Capability[],
  verb: string,
): void {
  const missing = wanted.filter((capability) => !model.capabilities.includes(capability));
  if (missing.length === 0) return;
  if (missing.includes('completion')) throw new OllamaFailure(400, `"${name}" does not support ${verb}`);
  throw new OllamaFailure(400, `${fullName(model.name)} does not support ${missing.join('\n')}`);
}

/** What scheduling looks at in any request. */
export interface Scheduled {
  readonly keep_alive?: number | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** Has the model in memory until the scope is left. */
export async function schedule(
  host: Host,
  model: SimulatedModel,
  request: Scheduled,
  exchange: Exchange,
): Promise<ModelUse> {
  try {
    const { contextLength } = readOptions(request.options ?? {});
    const wish = {
      ...(contextLength === undefined ? {} : { contextLength }),
      ...(request.keep_alive === undefined ? {} : { keepAliveMs: request.keep_alive }),
    };
    return await host.machine.use(model, wish, exchange.signal);
  } catch (error) {
    throw scheduleFailure(error);
  }
}

/** What a full queue or a bad option is to the client; other errors as they are. */
export function scheduleFailure(error: unknown): unknown {
  if (error instanceof QueueFull) {
    return new OllamaFailure(503, 'server busy, please try again.  maximum pending requests exceeded');
  }
  if (error instanceof OptionError) return new OllamaFailure(500, error.message);
  return error;
}
