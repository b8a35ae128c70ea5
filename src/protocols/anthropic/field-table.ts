import type { Fields } from '../json/fields.ts';
import { unsupported } from '../refuse.ts';

/** Which fields of an object are read, and which are left out because the answer is the same without them. */
export interface FieldTable {
  readonly read: readonly string[];
  readonly inert: readonly string[];
}

/** Adds the object's inert fields, `prefix` before their names, to `dropped`. Throws `unsupported` for one in no table. */
export function account(fields: Fields, { read, inert }: FieldTable, prefix: string, dropped: Set<string>): void {
  for (const { key } of fields.members) {
    if (read.includes(key) || fields.type(key) === undefined) continue;
    if (inert.includes(key)) dropped.add(`${prefix}${key}`);
    else if (!isEmptyList(fields, key)) throw unsupported(`${prefix}${key}`);
  }
}

/** It asks for nothing. */
function isEmptyList(fields: Fields, key: string): boolean {
  return fields.type(key) === 'array' && /^\[\s*\]$/.test(fields.raw(key) ?? '');
}
