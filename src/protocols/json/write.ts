import type { RawJson } from '../../domain/ask.ts';
import type { JsonValue } from '../../domain/json.ts';
import { EndpointFailure } from '../../errors.ts';

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

/** The JSON text of what an endpoint sent. Throws `EndpointFailure` for what is nested too deeply to be written again. */
export function jsonText(value: JsonValue): RawJson {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new EndpointFailure('invalid', 'sent JSON that is nested too deeply', error);
  }
}
