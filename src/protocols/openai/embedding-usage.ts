import type { TokenUsage } from '../../domain/answer.ts';
import { asNumber, asObject, type JsonValue } from '../../domain/json.ts';

/** Tokens of an answer for which nothing is generated, by its `usage`: some servers give the total alone. */
export function readPromptUsage(usage: JsonValue | undefined): TokenUsage | undefined {
  const counts = asObject(usage);
  const promptTokens = asNumber(counts?.['prompt_tokens']) ?? asNumber(counts?.['total_tokens']);
  return promptTokens === undefined ? undefined : { promptTokens, completionTokens: 0 };
}
