import type { ApiFailure } from './failure.ts';
import { openAiStyle } from './openai-style.ts';
import type { Style } from './style.ts';

/** What vLLM writes. */
export const vllmStyle: Style = {
  ...openAiStyle,
  streamHeaders: [['Content-Type', 'text/event-stream; charset=utf-8']],
  reasoningField: 'reasoning',
  finishDelta: { content: '' },
  nullUsage: false,
  envelope: {},
  usage: (usage) => ({
    prompt_tokens: usage.promptTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    completion_tokens: usage.completionTokens,
    prompt_tokens_details: null,
  }),
  toolCallId: (id) => `chatcmpl-tool-${id.replace('call_', '')}`,
  messageFields: { refusal: null, annotations: null, audio: null, function_call: null },
  brokenStream: (message) => {
    const error = { message, type: 'InternalServerError', param: null, code: 500 };
    return [JSON.stringify({ error }), '[DONE]'];
  },
};

const types: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  404: 'NotFoundError',
  500: 'InternalServerError',
};

/** What vLLM calls an error with a status: the names of Python's exceptions. */
export function vllmErrorType(status: number): string {
  return types[status] ?? 'BadRequestError';
}

/** vLLM's error object, with an int code. */
export function vllmError(failure: ApiFailure): object {
  const type = failure.type ?? vllmErrorType(failure.status);
  return { error: { message: failure.message, type, param: failure.param ?? null, code: failure.status } };
}
