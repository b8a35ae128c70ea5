import type { Usage } from '../generation.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { Style } from '../openai/style.ts';
import { hash } from '../text.ts';
import { errorObject } from './answers.ts';

export const defaultBuild = 'b8200-0c1e570';

/** What llama-server writes. */
export function llamaStyle(build: string): Style {
  return {
    streamHeaders: [
      ['X-Accel-Buffering', 'no'],
      ['Content-Type', 'text/event-stream'],
    ],
    jsonHeaders: [['Content-Type', 'application/json; charset=utf-8']],
    chatId: 'chatcmpl-',
    completionId: 'chatcmpl-',
    firstContent: null,
    reasoningField: 'reasoning_content',
    finishDelta: {},
    chatChoice: {},
    completionChoice: { logprobs: null },
    tokenIds: true,
    choicesFirst: true,
    nullUsage: false,
    promptsApart: true,
    envelope: { system_fingerprint: build },
    usage: (usage) => ({
      completion_tokens: usage.completionTokens,
      prompt_tokens: usage.promptTokens,
      total_tokens: usage.promptTokens + usage.completionTokens,
      prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    }),
    lastFields: (usage) => ({ timings: timings(usage) }),
    toolCallId: llamaToolId,
    messageFields: {},
    brokenStream: (message) => [JSON.stringify(errorObject(new ApiFailure(500, message)))],
  };
}

/** A tool call's id: 32 characters, as llama-server makes them. */
export function llamaToolId(id: string): string {
  return [0, 1, 2, 3].map((i) => hash(`${id}${i}`).toString(16).padStart(8, '0')).join('');
}

/** Prompt tokens are `cache_n + prompt_n`. */
export function timings(usage: Usage): object {
  const fresh = usage.promptTokens - usage.cachedTokens;
  return {
    cache_n: usage.cachedTokens,
    prompt_n: fresh,
    prompt_ms: usage.promptMs,
    prompt_per_token_ms: usage.promptMs / Math.max(1, fresh),
    prompt_per_second: rate(fresh, usage.promptMs),
    predicted_n: usage.completionTokens,
    predicted_ms: usage.completionMs,
    predicted_per_token_ms: usage.completionMs / Math.max(1, usage.completionTokens),
    predicted_per_second: rate(usage.completionTokens, usage.completionMs),
  };
}

function rate(count: number, ms: number): number {
  return ms === 0 ? 0 : (1000 * count) / ms;
}
