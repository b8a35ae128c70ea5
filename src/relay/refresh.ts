import type { Endpoint } from '../domain/endpoint.ts';
import type { Line } from './line.ts';

/** Asks endpoints anew what they have, so that whoever asks next sees what has just been done there. */
export async function refresh(line: Line, endpoints: readonly Endpoint[]): Promise<void> {
  // A probe under way may have been answered before it was done: it is waited for, and then asked again.
  await Promise.all(endpoints.map((endpoint) => line.probe(endpoint).then(() => line.probe(endpoint))));
}
