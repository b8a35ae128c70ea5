import type { Timings, TokenUsage } from '../../domain/answer.ts';
import { asNumber, asObject, type JsonObject } from '../../domain/json.ts';

/** Tokens by `usage`, else by llama-server's `timings`, whose prompt count leaves cached tokens out. */
export function readUsage(record: JsonObject): TokenUsage | undefined {
  const usage = asObject(record['usage']);
  if (usage !== undefined) return counts(asNumber(usage['prompt_tokens']), asNumber(usage['completion_tokens']));
  const timings = asObject(record['timings']);
  if (timings === undefined) return undefined;
  const prompt = (asNumber(timings['prompt_n']) ?? 0) + (asNumber(timings['cache_n']) ?? 0);
  return counts(prompt, asNumber(timings['predicted_n']));
}

export function readTimings(record: JsonObject): Timings | undefined {
  const timings = asObject(record['timings']);
  const promptMs = asNumber(timings?.['prompt_ms']);
  const completionMs = asNumber(timings?.['predicted_ms']);
  return promptMs === undefined || completionMs === undefined ? undefined : { promptMs, completionMs };
}

function counts(promptTokens: number | undefined, completionTokens: number | undefined): TokenUsage {
  return { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0 };
}
