import type { TokenUsage } from '../../domain/answer.ts';
import { asNumber, type JsonObject } from '../../domain/json.ts';

/** Tokens of a final object; a count that is missing is zero, and no count at all is none. */
export function readUsage(final: JsonObject): TokenUsage | undefined {
  const promptTokens = asNumber(final['prompt_eval_count']);
  const completionTokens = asNumber(final['eval_count']);
  if (promptTokens === undefined && completionTokens === undefined) return undefined;
  return { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0 };
}
