import type { TokenUsage } from '../../domain/answer.ts';
import { asNumber, asObject, type JsonObject } from '../../domain/json.ts';

const COUNTS = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens', 'output_tokens'] as const;

/** Tokens as Anthropic counts them; a count that was not given is absent. */
export type Counts = Readonly<Partial<Record<(typeof COUNTS)[number], number>>>;

/** The counts of a message, or of what a stream says of one. */
export function countsOf({ usage }: JsonObject): Counts {
  const given = asObject(usage);
  const counts: Partial<Record<(typeof COUNTS)[number], number>> = {};
  for (const name of COUNTS) {
    const count = asNumber(given?.[name]);
    if (count !== undefined) counts[name] = count;
  }
  return counts;
}

/** The tokens of these counts; cached ones are prompt tokens too. Undefined where nothing was counted. */
export function tokensOf(counts: Counts): TokenUsage | undefined {
  if (Object.keys(counts).length === 0) return undefined;
  const {
    input_tokens: input = 0,
    cache_read_input_tokens: read = 0,
    cache_creation_input_tokens: created = 0,
  } = counts;
  return { promptTokens: input + read + created, completionTokens: counts.output_tokens ?? 0 };
}

/** The tokens of a whole message. */
export function readUsage(message: JsonObject): TokenUsage | undefined {
  return tokensOf(countsOf(message));
}
