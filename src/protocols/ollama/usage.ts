import type { Timings, TokenUsage } from '../../domain/answer.ts';
import { asNumber, type JsonObject } from '../../domain/json.ts';

/** Tokens of a final object; a count that is missing is zero, and no count at all is none. */
export function readUsage(final: JsonObject): TokenUsage | undefined {
  const promptTokens = asNumber(final['prompt_eval_count']);
  const completionTokens = asNumber(final['eval_count']);
  if (promptTokens === undefined && completionTokens === undefined) return undefined;
  return { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0 };
}

/** Times of a final object, which are whole nanoseconds there and left out where they are zero; undefined where it has none. */
export function readTimings(final: JsonObject): Timings | undefined {
  const load = asNumber(final['load_duration']);
  const prompt = asNumber(final['prompt_eval_duration']);
  const completion = asNumber(final['eval_duration']);
  if (load === undefined && prompt === undefined && completion === undefined) return undefined;
  return { loadMs: milliseconds(load), promptMs: milliseconds(prompt), completionMs: milliseconds(completion) };
}

function milliseconds(nanoseconds = 0): number {
  return nanoseconds / 1e6;
}
