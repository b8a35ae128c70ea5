const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A name nobody else has: the prefix and 24 random characters. Not a secret. */
export function randomId(prefix: string): string {
  let id = prefix;
  for (let i = 0; i < 24; i++) id += ALPHABET[Math.floor(Math.random() * ALPHABET.length)];
  return id;
}
