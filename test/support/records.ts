import assert from 'node:assert/strict';
import type { RecordedRequest, SimulatedEndpoint } from '../../src/simulator/simulation.ts';

/** Requests that ask a model: probes left out. */
export function asked(endpoint: SimulatedEndpoint): readonly RecordedRequest[] {
  return endpoint.requests.filter(({ method }) => method === 'POST');
}

/** The one request to a model that an endpoint got. */
export function onlyAsked(endpoint: SimulatedEndpoint): RecordedRequest {
  const [first, ...others] = asked(endpoint);
  assert.ok(first, 'nothing was asked');
  assert.equal(others.length, 0, 'asked once');
  return first;
}

/** How many requests to a model each endpoint got. */
export function counts(...endpoints: readonly SimulatedEndpoint[]): number[] {
  return endpoints.map((endpoint) => asked(endpoint).length);
}

/** Resolves when the client of every request on record has left. */
export function allLeft(endpoint: SimulatedEndpoint, count: number): Promise<void> {
  return endpoint.waitFor(() => asked(endpoint).filter(({ clientLeft }) => clientLeft).length === count);
}
