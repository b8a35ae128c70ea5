/** A value for each label name, in the same order. */
export type Values<L extends readonly string[]> = { readonly [K in keyof L]: string };

/** What stands for values that are too many to be told apart. */
export const OTHER = 'other';

/** Names of models come from endpoints, which may send anything. */
const MAX_LENGTH = 200;

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** A value as it can be told: valid Unicode of bounded length, without NUL, at which Prometheus stops to read. */
export function clean(value: string): string {
  return value.slice(0, MAX_LENGTH).toWellFormed().replaceAll('\0', '\ufffd');
}

/** `endpoint="gpu-a",model="qwen3:8b"`, escaped; empty where there are no labels. */
export function labelText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, i) => `${name}="${escaped(values[i] ?? '')}"`).join();
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character);
}
