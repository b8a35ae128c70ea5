import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Candidate, loadedFirst } from '../../src/routing/policy.ts';
import { endpointOf, modelOf } from '../support/listings.ts';

interface Traits {
  readonly loaded?: boolean;
  readonly inFlight?: number;
  readonly slots?: number;
  readonly load?: number;
  readonly native?: boolean;
}

function candidate(traits: Traits, at: number): Candidate {
  const { loaded = false, inFlight = 0, slots = 1, load = inFlight, native = true } = traits;
  const endpoint = endpointOf(native ? 'ollama' : 'vllm', { name: `${at}` });
  return { endpoint, model: modelOf('m', { loaded }), inFlight, slots, load, native };
}

/** The places of the candidates that chance may choose. */
function choices(...traits: readonly Traits[]): number[] {
  const candidates = traits.map(candidate);
  const found = new Set<number>();
  for (let chance = 0; chance < 1; chance += 0.01) found.add(candidates.indexOf(loadedFirst(candidates, () => chance)));
  return [...found].sort();
}

for (const [name, expected, ...traits] of [
  ['the only candidate, full as it is', [0], { inFlight: 9 }],
  ['where the model is loaded', [1], {}, { loaded: true }],
  ['where it is loaded, though there is more to do there', [1], {}, { loaded: true, inFlight: 1, slots: 4, load: 9 }],
  ['where a slot is free, before where it is loaded', [0], { load: 9 }, { loaded: true, inFlight: 1 }],
  [
    'of the loaded ones the one with fewest requests of the model',
    [1],
    { loaded: true, inFlight: 2, slots: 4 },
    { loaded: true, inFlight: 1, slots: 4, load: 9 },
  ],
  ['of those without the model the one with least to do', [1], { load: 2 }, { load: 1 }, { load: 3 }],
  [
    'of full ones the one with fewest requests of the model',
    [1],
    { inFlight: 3, slots: 2 },
    { inFlight: 2, slots: 2, load: 9 },
    { inFlight: 3, slots: 1, loaded: true },
  ],
  ['among equals one of the client’s protocol', [1, 2], { native: false }, {}, {}],
  ['by load before protocol', [0], { native: false }, { load: 1 }],
  ['any of equals', [0, 1, 2], { loaded: true }, { loaded: true }, { loaded: true }],
  ['any of equals of another protocol', [0, 1], { native: false }, { native: false }],
  ['where slots are, not where none ever is', [1], { slots: 0 }, { load: 5 }],
] as const) {
  test(`chosen is ${name}`, () => assert.deepEqual(choices(...traits), [...expected]));
}

const traits = fc.record({
  loaded: fc.boolean(),
  inFlight: fc.nat(4),
  slots: fc.nat(4),
  load: fc.nat(9),
  native: fc.boolean(),
});

test('no full candidate is chosen while another is free, and no unloaded one while a loaded one is', () => {
  fc.assert(
    fc.property(
      fc.array(traits, { minLength: 1 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (all, chance) => {
        const candidates = all.map(candidate);
        const chosen = loadedFirst(candidates, () => chance);
        const isFree = (c: Candidate) => c.inFlight < c.slots;
        const isReady = (c: Candidate) => isFree(c) && c.model.loaded;
        assert.ok(isFree(chosen) || !candidates.some(isFree));
        assert.ok(isReady(chosen) || !candidates.some(isReady));
        const rivals = candidates.filter((c) => isFree(c) === isFree(chosen) && c.model.loaded === chosen.model.loaded);
        if (isReady(chosen)) assert.ok(rivals.every((c) => c.inFlight >= chosen.inFlight));
      },
    ),
  );
});

test('a policy without candidates is a mistake', () => assert.throws(() => loadedFirst([], () => 0), RangeError));
