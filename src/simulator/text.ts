/** Characters per token: a fixed width makes counts, prefixes and cuts exact and cheap. */
const tokenWidth = 4;

/** Words of the generated text. Some have several UTF-8 bytes, some need escaping in JSON or in HTML. */
const words = [
  'river', 'stone', 'light', 'over', 'the', 'small', 'house', 'Straße', 'quiet', 'naïve', 'and', 'so', 'it', '<em>',
  'R&D', 'said', '"yes"', 'morning', '日本', 'then', 'green', '🦙', 'far', 'away', 'a', 'road', 'C:\\tmp', 'until',
  'they', 'sleep', 'again', 'when', 'water', 'turns', 'slowly', 'café', 'never', 'mind',
] as const; // biome-ignore format: one table

/** Tokens of a text as every simulated server counts them. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / tokenWidth);
}

/** Whole tokens that two texts share from the start. */
export function commonPrefixTokens(left: string, right: string): number {
  const end = Math.min(left.length, right.length);
  let at = 0;
  while (at < end && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  return Math.floor(at / tokenWidth);
}

/** A stable 32-bit hash (FNV-1a over UTF-16 units). */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

/** `count` tokens of text, one word each, that depend on nothing but the key. */
export function textTokens(key: string, count: number): string[] {
  let state = hash(key);
  return Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const word = words[(state >>> 8) % words.length] ?? '';
    return i === 0 ? word : ` ${word}`;
  });
}

/** A given text in tokens. */
export function splitTokens(text: string): string[] {
  return text.match(/\s*\S+\s*$|\s*\S+|\s+/gu) ?? [];
}

/** A vector in which texts with common words lie close; length 1. */
export function embedding(text: string, length: number): number[] {
  const vector = new Array<number>(length).fill(0);
  for (const word of text.toLowerCase().split(/[^\p{L}\p{N}]+/u)) {
    let state = hash(word);
    for (let i = 0; i < length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      vector[i] = (vector[i] ?? 0) + state / 0xffffffff - 0.5;
    }
  }
  return normalized(vector);
}

/** The vector cut to its first dimensions and brought back to length 1, in 32-bit precision. */
export function normalized(vector: readonly number[], dimensions = vector.length): number[] {
  const cut = vector.slice(0, dimensions);
  const norm = Math.sqrt(cut.reduce((sum, x) => sum + x * x, 0)) || 1;
  return cut.map((x) => Math.fround(x / norm));
}
