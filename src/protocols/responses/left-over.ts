import type { RawJson } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { unsupported } from '../refuse.ts';

/** What becomes of an object's fields. */
export interface FieldTable {
  /** Fields that are read elsewhere. */
  readonly known: ReadonlySet<string>;
  /** Fields without which the answer is the same, each with the values that ask for nothing in the first place. */
  readonly inert: ReadonlyMap<string, readonly RawJson[]>;
}

/** The inert fields that ask for something, by name. Throws `unsupported` for a field that no table has. */
export function leftOver(fields: Fields, { known, inert }: FieldTable, prefix = ''): string[] {
  const dropped: string[] = [];
  for (const { key } of fields.members) {
    const value = fields.raw(key);
    if (value === undefined || known.has(key)) continue;
    const nothing = inert.get(key);
    if (nothing === undefined) throw unsupported(`${prefix}${key}`);
    if (!nothing.includes(value)) dropped.push(`${prefix}${key}`);
  }
  return dropped;
}

/** The fields of a request. */
export const REQUEST_FIELDS: FieldTable = {
  known: new Set([
    ...['nomyo', 'model', 'stream', 'input', 'instructions', 'tools', 'tool_choice', 'parallel_tool_calls'],
    ...['max_output_tokens', 'temperature', 'top_p', 'top_logprobs', 'text', 'reasoning', 'include', 'truncation'],
    ...['previous_response_id', 'conversation', 'prompt', 'background'],
  ]),
  inert: new Map([
    ['user', ['""']],
    ['metadata', ['{}']],
    ['store', ['false']],
    ['service_tier', ['"auto"', '"default"']],
    ['safety_identifier', ['""']],
    ['prompt_cache_key', ['""']],
    ['prompt_cache_retention', []],
    ['prompt_cache_options', ['{}']],
    ['max_tool_calls', []],
    ['stream_options', ['{}']],
  ]),
};

export const TEXT_FIELDS: FieldTable = {
  known: new Set(['format']),
  inert: new Map([['verbosity', ['"medium"']]]),
};

/** A summary need not be asked for: what the endpoint shows of its reasoning is always given. */
export const REASONING_FIELDS: FieldTable = {
  known: new Set(['effort', 'summary', 'generate_summary']),
  inert: new Map(),
};
