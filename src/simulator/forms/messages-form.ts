import type { Usage } from '../generation.ts';
import type { Piece } from '../plan.ts';
import { type AnswerForm, lenientArguments, type NamedEvent, type PromptUsage } from './form.ts';

/** Where the kinds that speak Anthropic's protocol differ in what they write. */
export interface MessagesStyle {
  /** `stop_reason`, `stop_sequence`: null where there is nothing, or left out. */
  readonly nulls: boolean;
  /** A thinking block's signature; undefined: it has none. */
  readonly signature: string | undefined;
  /** llama-server closes all blocks at the end of the answer. */
  readonly closesAtEnd: boolean;
  /** A whole answer that says nothing has null for its blocks. */
  readonly nullContent: boolean;
  /** A tool's block begins with an empty `input`. */
  readonly emptyInput: boolean;
  /** Anthropic's own first record after the start. */
  readonly ping: boolean;
  /** vLLM's `[DONE]` behind the last event, which no other server has. */
  readonly done: boolean;
  /** The model thinks when a request tells it to; else unless a request tells it not to. */
  readonly thinksWhenTold: boolean;
  toolId(id: string): string;
  /** The usage of the last event. */
  deltaUsage(usage: Usage): object;
  wholeUsage(usage: Usage): object;
  broken(message: string): readonly NamedEvent[];
}

interface Block {
  readonly index: number;
  readonly type: 'thinking' | 'text' | 'tool_use';
  readonly id: string;
  readonly name: string;
  text: string;
}

const none: Usage = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, promptMs: 0, completionMs: 0 };

/** An answer as Anthropic's Messages API gives it. */
export class MessagesForm implements AnswerForm {
  readonly #style: MessagesStyle;
  readonly #id: string;
  readonly #model: string;
  readonly #blocks: Block[] = [];
  #stopReason: string | undefined;
  #usage = none;

  constructor(style: MessagesStyle, id: string, model: string) {
    this.#style = style;
    this.#id = id;
    this.#model = model;
  }

  start({ promptTokens, cachedTokens }: PromptUsage): readonly NamedEvent[] {
    const usage = this.#style.wholeUsage({ ...none, promptTokens, cachedTokens });
    const start = named({ type: 'message_start', message: this.#message([], usage) });
    return this.#style.ping ? [start, named({ type: 'ping' })] : [start];
  }

  piece(piece: Piece): readonly NamedEvent[] {
    const type = piece.type === 'reasoning' ? 'thinking' : piece.type === 'text' ? 'text' : 'tool_use';
    const last = this.#blocks.at(-1);
    if (piece.type !== 'tool-call' && last?.type === type) return [this.#delta(last, piece.text)];
    const block: Block = {
      index: this.#blocks.length,
      type,
      id: piece.type === 'tool-call' ? this.#style.toolId(piece.id) : '',
      name: piece.type === 'tool-call' ? piece.name : '',
      text: '',
    };
    this.#blocks.push(block);
    const closing = last === undefined || this.#style.closesAtEnd ? [] : this.#closing(last);
    const opening = named({ type: 'content_block_start', index: block.index, content_block: this.#opened(block) });
    return [...closing, opening, ...('text' in piece ? [this.#delta(block, piece.text)] : [])];
  }

  finish(reason: 'stop' | 'length', usage: Usage): readonly NamedEvent[] {
    const isTool = this.#blocks.some((block) => block.type === 'tool_use');
    this.#stopReason = reason === 'length' ? 'max_tokens' : isTool ? 'tool_use' : 'end_turn';
    this.#usage = usage;
    const open = this.#style.closesAtEnd ? this.#blocks : this.#blocks.slice(-1);
    const delta = { stop_reason: this.#stopReason, ...(this.#style.nulls ? { stop_sequence: null } : {}) };
    return [
      ...open.flatMap((block) => this.#closing(block)),
      named({ type: 'message_delta', delta, usage: this.#style.deltaUsage(usage) }),
      named({ type: 'message_stop' }),
      ...(this.#style.done ? [{ data: '[DONE]' }] : []),
    ];
  }

  broken(message: string): readonly NamedEvent[] {
    return this.#style.broken(message);
  }

  whole(): object {
    const content = this.#blocks.map((block) => this.#complete(block));
    const isNull = this.#style.nullContent && content.length === 0;
    return this.#message(isNull ? null : content, this.#style.wholeUsage(this.#usage));
  }

  #message(content: readonly object[] | null, usage: object): object {
    const { nulls } = this.#style;
    const reason = this.#stopReason ?? (nulls ? null : undefined);
    return {
      id: this.#id,
      type: 'message',
      role: 'assistant',
      model: this.#model,
      content,
      stop_reason: reason,
      ...(nulls ? { stop_sequence: null } : {}),
      usage,
    };
  }

  #opened({ type, id, name }: Block): object {
    if (type === 'thinking') return { type, thinking: '' };
    if (type === 'text') return { type, text: '' };
    return { type, id, name, ...(this.#style.emptyInput ? { input: {} } : {}) };
  }

  #complete({ type, id, name, text }: Block): object {
    const { signature } = this.#style;
    if (type === 'thinking') return { type, thinking: text, ...(signature === undefined ? {} : { signature }) };
    return type === 'text' ? { type, text } : { type, id, name, input: lenientArguments(text) };
  }

  #delta(block: Block, text: string): NamedEvent {
    block.text += text;
    const deltas = {
      thinking: { type: 'thinking_delta', thinking: text },
      text: { type: 'text_delta', text },
      tool_use: { type: 'input_json_delta', partial_json: text },
    };
    return named({ type: 'content_block_delta', index: block.index, delta: deltas[block.type] });
  }

  #closing({ index, type }: Block): NamedEvent[] {
    const { signature } = this.#style;
    const signed = { type: 'content_block_delta', index, delta: { type: 'signature_delta', signature } };
    const stop = named({ type: 'content_block_stop', index });
    return type === 'thinking' && signature !== undefined ? [named(signed), stop] : [stop];
  }
}

function named(data: { readonly type: string; readonly [field: string]: unknown }): NamedEvent {
  return { event: data.type, data };
}
