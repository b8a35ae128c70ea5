import type { TokenUsage } from '../../domain/answer.ts';
import { asNumber, asObject, type JsonValue } from '../../domain/json.ts';

/** Tokens of a transcript, whole or in the event that tells them, in OpenAI's words or vLLM's. Some endpoints count seconds instead, and say so in the same place. */
export function readUsage(answer: JsonValue): TokenUsage | undefined {
  const usage = asObject(asObject(answer)?.['usage']);
  const promptTokens = asNumber(usage?.['input_tokens']) ?? asNumber(usage?.['prompt_tokens']);
  const completionTokens = asNumber(usage?.['output_tokens']) ?? asNumber(usage?.['completion_tokens']);
  if (promptTokens === undefined && completionTokens === undefined) return undefined;
  return { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0 };
}
