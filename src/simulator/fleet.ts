import { startSimulatedEndpoint } from './endpoint.ts';
import type { SimulatedEndpoint, SimulatedEndpointOptions } from './simulation.ts';

/** Several simulated servers under the names they were described with; leaving its scope stops all. */
export interface Fleet<Name extends string> extends AsyncDisposable {
  readonly endpoints: Readonly<Record<Name, SimulatedEndpoint>>;
}

/** Starts all endpoints of a description; if one cannot start, stops the others. */
export async function startFleet<Name extends string>(
  description: Readonly<Record<Name, SimulatedEndpointOptions>>,
): Promise<Fleet<Name>> {
  await using started = new AsyncDisposableStack();
  const endpoints: Partial<Record<Name, SimulatedEndpoint>> = {};
  for (const name of Object.keys(description) as Name[]) {
    endpoints[name] = started.use(await startSimulatedEndpoint(description[name]));
  }
  const running = started.move();
  return {
    endpoints: endpoints as Record<Name, SimulatedEndpoint>,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
