import type { ResponsesStyle } from './responses-styles.ts';

/** A part of a response's output while it grows. */
export interface Item {
  readonly index: number;
  readonly type: 'reasoning' | 'message' | 'function_call';
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  text: string;
}

/** An event before it has its number. */
export interface TypedEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** The item as it stands in the output, with the text it has so far. */
export function outputItem(style: ResponsesStyle, item: Item, status: 'completed' | 'in_progress'): object {
  const { type, id, callId, name, text } = item;
  if (type === 'reasoning') return style.reasoningItem(id, text, status);
  if (type === 'message') {
    const content = status === 'completed' ? [textPart(text)] : [];
    return { id, type, status, role: 'assistant', content };
  }
  return { id, type, status, call_id: callId, name, arguments: text };
}

function textPart(text: string): object {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

/** Reasoning that is told as text is a part of its item; Ollama's summary has none, on which OpenAI's client stumbles. */
function reasoningPart(style: ResponsesStyle, text: string): object | undefined {
  return style.reasoning === 'text' ? { type: 'reasoning_text', text } : undefined;
}

/** What announces an item. */
export function openingEvents(style: ResponsesStyle, item: Item): TypedEvent[] {
  const added = {
    type: 'response.output_item.added',
    output_index: item.index,
    item: outputItem(style, item, 'in_progress'),
  };
  const part =
    item.type === 'message' ? textPart('') : item.type === 'reasoning' ? reasoningPart(style, '') : undefined;
  return part === undefined ? [added] : [added, { type: 'response.content_part.added', ...place(item), part }];
}

/** What adds text to an item; none for reasoning that is not shown. */
export function deltaEvent(style: ResponsesStyle, item: Item, delta: string): TypedEvent[] {
  const { index, id } = item;
  if (item.type === 'message') return [{ type: 'response.output_text.delta', ...place(item), delta, logprobs: [] }];
  if (item.type === 'function_call') {
    return [{ type: 'response.function_call_arguments.delta', item_id: id, output_index: index, delta }];
  }
  const name = reasoningEvents[style.reasoning];
  return name === undefined ? [] : [{ type: `${name}.delta`, ...reasoningPlace(style, item), delta }];
}

/** What ends the parts of an item, before the item itself. */
export function partEvents(style: ResponsesStyle, item: Item): TypedEvent[] {
  const { index, id, name, text } = item;
  if (item.type === 'message') {
    return [
      { type: 'response.output_text.done', ...place(item), text, logprobs: [] },
      { type: 'response.content_part.done', ...place(item), part: textPart(text) },
    ];
  }
  if (item.type === 'function_call') {
    return [{ type: 'response.function_call_arguments.done', item_id: id, output_index: index, name, arguments: text }];
  }
  const events = reasoningEvents[style.reasoning];
  if (events === undefined) return [];
  const part = reasoningPart(style, text);
  const done = { type: `${events}.done`, ...reasoningPlace(style, item), text };
  return part === undefined ? [done] : [done, { type: 'response.content_part.done', ...place(item), part }];
}

const reasoningEvents = {
  summary: 'response.reasoning_summary_text',
  text: 'response.reasoning_text',
  hidden: undefined,
} as const;

function place(item: Item): object {
  return { item_id: item.id, output_index: item.index, content_index: 0 };
}

function reasoningPlace(style: ResponsesStyle, item: Item): object {
  const where = style.reasoning === 'summary' ? { summary_index: 0 } : { content_index: 0 };
  return { item_id: item.id, output_index: item.index, ...where };
}
