import type { Usage } from '../generation.ts';
import { vllmStyle } from '../openai/vllm-style.ts';
import type { NamedEvent } from './form.ts';

/** What all objects and events of one answer share. */
export interface ResponseFacts {
  /** Digits that name the answer; every id of it is made from them. */
  readonly digits: string;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Seconds since the epoch. */
  readonly createdAt: number;
}

/** Where the kinds that speak OpenAI's Responses API in full differ in what they write. */
export interface ResponsesStyle {
  /** How reasoning is told: as its summary, as its text, or not at all. */
  readonly reasoning: 'summary' | 'text' | 'hidden';
  /** The status of an answer that reached its limit. */
  readonly cutStatus: 'completed' | 'incomplete';
  readonly stores: boolean;
  /** Fields that every response has, whatever was asked. */
  readonly fixed: object;
  reasoningItem(id: string, text: string, status: 'completed' | 'in_progress'): object;
  toolCallId(id: string): string;
  usage(usage: Usage, reasoningTokens: number): object;
  /** What a broken stream ends with; undefined: `response.failed`. */
  broken(message: string): readonly NamedEvent[] | undefined;
}

function usageOf(usage: Usage, cached: number, reasoning: number): object {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}

/** Ollama: reasoning as its own summary, its text as `encrypted_content`; a cut answer is complete, a broken one just ends. */
export const ollamaResponses: ResponsesStyle = {
  reasoning: 'summary',
  cutStatus: 'completed',
  stores: false,
  fixed: {
    presence_penalty: 0,
    frequency_penalty: 0,
    top_logprobs: 0,
    max_tool_calls: null,
    safety_identifier: null,
    prompt_cache_key: null,
  },
  reasoningItem: (id, text, status) =>
    status === 'in_progress'
      ? { id, type: 'reasoning', summary: [] }
      : { id, type: 'reasoning', summary: [{ type: 'summary_text', text }], encrypted_content: text },
  toolCallId: (id) => id,
  usage: (usage) => usageOf(usage, 0, 0),
  broken: () => [],
};

/** OpenAI: reasoning is counted and not shown. */
export const openAiResponses: ResponsesStyle = {
  reasoning: 'hidden',
  cutStatus: 'incomplete',
  stores: true,
  fixed: {},
  reasoningItem: (id) => ({ id, type: 'reasoning', summary: [] }),
  toolCallId: (id) => id,
  usage: (usage, reasoning) => usageOf(usage, usage.cachedTokens, reasoning),
  broken: () => undefined,
};

/** vLLM: reasoning as text. */
export const vllmResponses: ResponsesStyle = {
  ...openAiResponses,
  reasoning: 'text',
  reasoningItem: (id, text, status) => ({
    id,
    type: 'reasoning',
    summary: [],
    content: status === 'completed' ? [{ type: 'reasoning_text', text }] : null,
    encrypted_content: null,
    status,
  }),
  toolCallId: (id) => `call_${id.replace('call_', '')}`,
  broken: (message) =>
    vllmStyle
      .brokenStream(message)
      .slice(0, 1)
      .map((data) => ({ data })),
};

/** A response as one object: what was asked comes back with what was answered. */
export function responseObject(
  style: ResponsesStyle,
  { digits, model, body, createdAt }: ResponseFacts,
  said: { readonly status: string; readonly output: readonly object[]; readonly usage?: object },
): object {
  const { status, output, usage = null } = said;
  return {
    id: `resp_${digits}`,
    object: 'response',
    created_at: createdAt,
    completed_at: status === 'completed' ? createdAt : null,
    status,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    model,
    previous_response_id: (style.stores && body['previous_response_id']) || null,
    instructions: body['instructions'] ?? null,
    output,
    error: null,
    tools: body['tools'] ?? [],
    tool_choice: (style.stores && body['tool_choice']) || 'auto',
    truncation: body['truncation'] ?? 'disabled',
    parallel_tool_calls: true,
    text: body['text'] ?? { format: { type: 'text' } },
    top_p: body['top_p'] ?? 1,
    temperature: body['temperature'] ?? 1,
    reasoning: body['reasoning'] ?? null,
    usage,
    max_output_tokens: body['max_output_tokens'] ?? null,
    store: style.stores && body['store'] !== false,
    background: false,
    service_tier: 'default',
    metadata: {},
    ...style.fixed,
  };
}
