import type { ApiFailure } from './failure.ts';
import type { Style } from './style.ts';

/** What OpenAI's own servers write: no reasoning in a chat, nulls where there is nothing. */
export const openAiStyle: Style = {
  streamHeaders: [
    ['Content-Type', 'text/event-stream; charset=utf-8'],
    ['Cache-Control', 'no-cache'],
  ],
  jsonHeaders: [['Content-Type', 'application/json']],
  chatId: 'chatcmpl-',
  completionId: 'cmpl-',
  firstContent: '',
  reasoningField: undefined,
  finishDelta: {},
  chatChoice: { logprobs: null },
  completionChoice: { logprobs: null },
  tokenIds: false,
  choicesFirst: false,
  nullUsage: true,
  promptsApart: false,
  envelope: { service_tier: 'default', system_fingerprint: 'fp_simulated' },
  usage: (usage, reasoningTokens) => ({
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoningTokens, audio_tokens: 0 },
  }),
  lastFields: () => ({}),
  toolCallId: (id) => id,
  messageFields: { refusal: null, annotations: [] },
  brokenStream: (message) => [JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } })],
};

/** OpenAI's error object. */
export function openAiError(failure: ApiFailure): object {
  const type = failure.type ?? (failure.status >= 500 ? 'server_error' : 'invalid_request_error');
  return { error: { message: failure.message, type, param: failure.param ?? null, code: failure.code ?? null } };
}
