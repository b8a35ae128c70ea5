import type { RawJson } from '../../domain/ask.ts';

/** A JSON object of members whose values are JSON texts already; undefined members are left out. */
export function objectText(members: Readonly<Record<string, RawJson | undefined>>): RawJson {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(members))
    if (value !== undefined) parts.push(`${JSON.stringify(key)}:${value}`);
  return `{${parts.join(',')}}`;
}

export function arrayText(values: readonly RawJson[]): RawJson {
  return `[${values.join(',')}]`;
}

/** A value's JSON text; undefined stays undefined. */
export function text(value: string | number | boolean | null): RawJson;
export function text(value: string | number | boolean | null | undefined): RawJson | undefined;
export function text(value: string | number | boolean | null | undefined): RawJson | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}
