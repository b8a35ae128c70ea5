import type { Usage } from '../generation.ts';
import { errorObject } from '../llama-server/answers.ts';
import { llamaToolId } from '../llama-server/style.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { NamedEvent } from './form.ts';
import type { MessagesStyle } from './messages-form.ts';

function tokens(usage: Usage): object {
  return { input_tokens: usage.promptTokens, output_tokens: usage.completionTokens };
}

/** Ollama: no nulls; an error in the middle of a stream is swallowed. */
export const ollamaMessages: MessagesStyle = {
  nulls: false,
  signature: undefined,
  closesAtEnd: false,
  nullContent: true,
  emptyInput: true,
  ping: false,
  done: false,
  thinksWhenTold: false,
  toolId: (id) => id,
  deltaUsage: tokens,
  wholeUsage: tokens,
  broken: () => [],
};

/** llama-server: an empty signature, blocks closed at the end, what it had in its cache told apart, its own error object in an `error` event. */
export const llamaMessages: MessagesStyle = {
  ...ollamaMessages,
  nulls: true,
  signature: '',
  closesAtEnd: true,
  nullContent: false,
  emptyInput: false,
  toolId: llamaToolId,
  wholeUsage: (usage) => ({
    cache_read_input_tokens: usage.cachedTokens,
    input_tokens: usage.promptTokens - usage.cachedTokens,
    output_tokens: usage.completionTokens,
  }),
  deltaUsage: (usage) => ({ output_tokens: usage.completionTokens }),
  broken: (message) => [{ event: 'error', data: errorObject(new ApiFailure(500, message)) }],
};

/** vLLM: OpenAI's `[DONE]` behind Anthropic's last event. */
export const vllmMessages: MessagesStyle = {
  ...ollamaMessages,
  nullContent: false,
  done: true,
  toolId: (id) => `chatcmpl-tool-${id.replace('call_', '')}`,
  broken: (message) => [errorEvent('internal_error', message), { data: '[DONE]' }],
};

/** Anthropic itself, or whoever is as strict. */
export const anthropicMessages: MessagesStyle = {
  ...ollamaMessages,
  nulls: true,
  nullContent: false,
  signature: 'c2ltdWxhdGVk',
  ping: true,
  thinksWhenTold: true,
  toolId: (id) => id.replace('call_', 'toolu_'),
  wholeUsage: (usage) => ({ ...tokens(usage), cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }),
  broken: (message) => [errorEvent('api_error', message)],
};

function errorEvent(type: string, message: string): NamedEvent {
  return { event: 'error', data: { type: 'error', error: { type, message } } };
}

const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  529: 'overloaded_error',
};

/** Anthropic's error object; `type` where the kind has its own word for it. */
export function anthropicError(status: number, message: string, requestId: string | undefined, type?: string): object {
  const error = { type: type ?? types[status] ?? 'api_error', message };
  return { type: 'error', error, ...(requestId === undefined ? {} : { request_id: requestId }) };
}
