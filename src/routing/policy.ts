import type { Listing } from '../domain/model.ts';

/** An endpoint that has the model, with its load at this moment. */
export interface Candidate extends Listing {
  /** Requests to this model here, and how many it runs at once. */
  readonly inFlight: number;
  readonly slots: number;
  /** Requests here, whatever the model. */
  readonly load: number;
  /** It answers the client's protocol without translation. */
  readonly native: boolean;
  /** The model is loaded with the context that the request wants: it need not be loaded anew. */
  readonly fits?: boolean;
}

/** Chooses one of at least one candidates; `random` gives numbers in [0, 1). */
export type Policy = (candidates: readonly Candidate[], random: () => number) => Candidate;

/**
 * The documented policy: where the model is loaded and a slot is free, the fewest requests of this model; else where a
 * slot is free, the fewest requests altogether; else, as all are full, the fewest requests of this model. Among equals
 * an endpoint that speaks the client's protocol, then one that need not load the model anew, then chance.
 */
export const loadedFirst: Policy = (candidates, random) => {
  const free = candidates.filter((c) => c.inFlight < c.slots);
  const loaded = free.filter((c) => c.model.loaded);
  if (loaded.length > 0) return fewest(loaded, (c) => c.inFlight, random);
  if (free.length > 0) return fewest(free, (c) => c.load, random);
  return fewest(candidates, (c) => c.inFlight, random);
};

function fewest(candidates: readonly Candidate[], count: (c: Candidate) => number, random: () => number): Candidate {
  const least = Math.min(...candidates.map(count));
  const equals = candidates.filter((c) => count(c) === least);
  const natives = preferring(equals, (c) => c.native);
  const best = preferring(natives, (c) => c.fits === true);
  const chosen = best[Math.floor(random() * best.length)];
  if (chosen === undefined) throw new RangeError('a policy needs at least one candidate');
  return chosen;
}

/** Those for which it holds, or all where it holds for none. */
function preferring(candidates: readonly Candidate[], holds: (c: Candidate) => boolean): readonly Candidate[] {
  const some = candidates.filter(holds);
  return some.length > 0 ? some : candidates;
}
