/** Chance that can be had again by its seed. */
export interface Dice {
  /** A whole number from 0 on, below this one. */
  below(end: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]] | readonly T[]): T;
  /** A text of some tokens. */
  words(): string;
}

const WORDS = ['river', 'Straße', '日本', '🦙', '"content":"x"', '\\n', 'the', '<em>', '{"done":true}', 'data: [DONE]'];

/** Rolls by a 32-bit seed (mulberry32). */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), state | 1);
    const again = mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61));
    return ((again ^ (again >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const below = (end: number) => Math.floor(next() * end);
  const pick = <T>(from: readonly T[]): T => {
    const picked = from[below(from.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  };
  const words = () => Array.from({ length: 1 + below(8) }, () => pick(WORDS)).join(' ');
  return { below, pick, words, chance: (probability) => next() < probability };
}
