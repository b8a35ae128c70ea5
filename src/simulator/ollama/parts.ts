import type { AnswerEvent, Usage } from '../generation.ts';
import { tokenLogprob } from '../token-logprob.ts';
import { nanoseconds, unlessZero } from './go-json.ts';

/** What one object of a stream adds, before it has its shape. */
export interface Part {
  readonly text: string;
  readonly thinking?: string;
  readonly toolCalls?: readonly object[];
  readonly logprobs?: readonly object[];
  readonly finish?: { readonly reason: 'stop' | 'length'; readonly usage: Usage };
}

/** How parts are made from a model's answer. */
export interface PartOptions {
  /** Alternatives per token, or undefined for no logprobs at all. */
  readonly topLogprobs: number | undefined;
  /** Since 0.30 template-native models give all tool calls in the last object; before, in one of their own. */
  readonly toolCallsLast: boolean;
}

/** One part per token; a tool call is one part, at the end or as soon as the next begins. */
export async function* partsOf(events: AsyncIterable<AnswerEvent>, options: PartOptions): AsyncGenerator<Part> {
  const calls: OpenCall[] = [];
  let index = 0;
  for await (const event of events) {
    switch (event.type) {
      case 'reasoning':
        yield { text: '', thinking: event.text, ...logprobs(event.text, options) };
        break;
      case 'text':
        yield { text: event.text, ...logprobs(event.text, options) };
        break;
      case 'tool-call':
        if (!options.toolCallsLast)
          for (const call of calls.splice(0)) yield { text: '', toolCalls: [toolCall(call, index++)] };
        calls.push({ id: event.id, name: event.name, text: '' });
        break;
      case 'tool-arguments':
        for (const call of calls.slice(-1)) call.text += event.text;
        break;
      case 'finish': {
        const toolCalls = calls.map((call) => toolCall(call, index++));
        if (toolCalls.length > 0 && !options.toolCallsLast) yield { text: '', toolCalls };
        const last = options.toolCallsLast && toolCalls.length > 0 ? { toolCalls } : {};
        yield { text: '', ...last, finish: { reason: event.reason, usage: event.usage } };
      }
    }
  }
}

interface OpenCall {
  readonly id: string;
  readonly name: string;
  text: string;
}

function toolCall(call: OpenCall, index: number): object {
  return { id: call.id, function: { index, name: call.name, arguments: lenientObject(call.text) } };
}

/** A tool call that was cut by the token limit has no arguments. */
function lenientObject(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function logprobs(text: string, options: PartOptions): { logprobs?: readonly object[] } {
  return options.topLogprobs === undefined ? {} : { logprobs: [tokenLogprob(text, options.topLogprobs)] };
}

/** The metrics of a final object; a zero is left out. */
export function metrics(usage: Usage, startedAt: number, loadedAt: number): object {
  return {
    total_duration: nanoseconds(performance.now() - startedAt),
    load_duration: nanoseconds(loadedAt - startedAt),
    prompt_eval_count: unlessZero(usage.promptTokens),
    prompt_eval_duration: nanoseconds(usage.promptMs),
    eval_count: unlessZero(usage.completionTokens),
    eval_duration: usage.completionTokens === 0 ? undefined : nanoseconds(usage.completionMs),
  };
}
