import type { Usage } from '../generation.ts';
import type { Piece } from '../plan.ts';
import type { AnswerForm, NamedEvent } from './form.ts';
import { deltaEvent, type Item, openingEvents, outputItem, partEvents, type TypedEvent } from './responses-items.ts';
import { type ResponseFacts, type ResponsesStyle, responseObject } from './responses-styles.ts';

/** An answer as OpenAI's Responses API gives it, in full: a number in every event, and an end to every part. */
export class ResponsesForm implements AnswerForm {
  readonly #style: ResponsesStyle;
  readonly #facts: ResponseFacts;
  readonly #items: Item[] = [];
  #sequence = 0;
  #reasoningTokens = 0;
  #status = 'in_progress';
  #usage: Usage | undefined;

  constructor(style: ResponsesStyle, facts: ResponseFacts) {
    this.#style = style;
    this.#facts = facts;
  }

  start(): readonly NamedEvent[] {
    const response = responseObject(this.#style, this.#facts, { status: 'in_progress', output: [] });
    return this.#numbered([
      { type: 'response.created', response },
      { type: 'response.in_progress', response },
    ]);
  }

  piece(piece: Piece): readonly NamedEvent[] {
    if (piece.type === 'reasoning') this.#reasoningTokens++;
    const type = piece.type === 'reasoning' ? 'reasoning' : piece.type === 'text' ? 'message' : 'function_call';
    const last = this.#items.at(-1);
    if (piece.type !== 'tool-call' && last?.type === type) return this.#delta(last, piece.text);
    const item = this.#newItem(type, piece);
    const closing = last === undefined ? [] : this.#closing(last);
    const opening = this.#numbered(openingEvents(this.#style, item));
    return [...closing, ...opening, ...('text' in piece ? this.#delta(item, piece.text) : [])];
  }

  finish(reason: 'stop' | 'length', usage: Usage): readonly NamedEvent[] {
    const last = this.#items.at(-1);
    this.#usage = usage;
    this.#status = reason === 'length' ? this.#style.cutStatus : 'completed';
    const closing = last === undefined ? [] : this.#closing(last);
    return [...closing, ...this.#numbered([{ type: `response.${this.#status}`, response: this.whole() }])];
  }

  broken(message: string): readonly NamedEvent[] {
    const response = responseObject(this.#style, this.#facts, { status: 'failed', output: [] });
    const failed = { ...response, error: { code: 'server_error', message } };
    return this.#style.broken(message) ?? this.#numbered([{ type: 'response.failed', response: failed }]);
  }

  whole(): object {
    const output = this.#items.map((item) => outputItem(this.#style, item, 'completed'));
    const usage = this.#usage && this.#style.usage(this.#usage, this.#reasoningTokens);
    return responseObject(this.#style, this.#facts, { status: this.#status, output, ...(usage ? { usage } : {}) });
  }

  #newItem(type: Item['type'], piece: Piece): Item {
    const index = this.#items.length;
    const prefix = { reasoning: 'rs', message: 'msg', function_call: 'fc' }[type];
    const isCall = piece.type === 'tool-call';
    const item: Item = {
      index,
      type,
      id: `${prefix}_${this.#facts.digits}${index}`,
      callId: isCall ? this.#style.toolCallId(piece.id) : '',
      name: isCall ? piece.name : '',
      text: '',
    };
    this.#items.push(item);
    return item;
  }

  #delta(item: Item, text: string): readonly NamedEvent[] {
    item.text += text;
    return this.#numbered(deltaEvent(this.#style, item, text));
  }

  #closing(item: Item): readonly NamedEvent[] {
    const done = outputItem(this.#style, item, 'completed');
    return this.#numbered([
      ...partEvents(this.#style, item),
      { type: 'response.output_item.done', output_index: item.index, item: done },
    ]);
  }

  #numbered(events: readonly TypedEvent[]): NamedEvent[] {
    return events.map((event) => ({ event: event.type, data: { ...event, sequence_number: this.#sequence++ } }));
  }
}
