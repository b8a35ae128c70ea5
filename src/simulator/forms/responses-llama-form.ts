import type { Usage } from '../generation.ts';
import { errorObject } from '../llama-server/answers.ts';
import { llamaToolId } from '../llama-server/style.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { Piece } from '../plan.ts';
import type { AnswerForm, NamedEvent } from './form.ts';
import type { ResponseFacts } from './responses-styles.ts';

interface Call {
  readonly callId: string;
  readonly name: string;
  text: string;
}

/** An answer as llama-server's Responses API gives it: no numbers, no indices, no `output` at the start, all ends at the end. */
export class LlamaResponsesForm implements AnswerForm {
  readonly #facts: ResponseFacts;
  #reasoning = '';
  #text = '';
  readonly #calls: Call[] = [];
  #usage: Usage | undefined;

  constructor(facts: ResponseFacts) {
    this.#facts = facts;
  }

  start(): readonly NamedEvent[] {
    const response = { id: `resp_${this.#facts.digits}`, object: 'response', status: 'in_progress' };
    return [named('response.created', { response }), named('response.in_progress', { response })];
  }

  piece(piece: Piece): readonly NamedEvent[] {
    switch (piece.type) {
      case 'reasoning':
        return this.#reasoned(piece.text);
      case 'text':
        return this.#said(piece.text);
      case 'tool-call': {
        const call = { callId: `fc_${llamaToolId(piece.id)}`, name: piece.name, text: '' };
        this.#calls.push(call);
        return [named('response.output_item.added', { item: callItem(call, 'in_progress') })];
      }
      case 'tool-arguments': {
        const call = this.#calls.at(-1);
        if (call === undefined) return [];
        call.text += piece.text;
        return [named('response.function_call_arguments.delta', { delta: piece.text, item_id: call.callId })];
      }
    }
  }

  finish(_: 'stop' | 'length', usage: Usage): readonly NamedEvent[] {
    this.#usage = usage;
    const done = (item: object) => named('response.output_item.done', { item });
    const { completed_at: _at, ...response } = this.#response();
    return [
      ...this.#output('reasoning').map(done),
      ...this.#textEnd(),
      ...this.#output('message').map(done),
      ...this.#output('function_call').map(done),
      named('response.completed', { response }),
    ];
  }

  broken(message: string): readonly NamedEvent[] {
    return [{ data: errorObject(new ApiFailure(500, message)) }];
  }

  whole(): object {
    return this.#response();
  }

  #response() {
    const usage = this.#usage;
    const input = usage?.promptTokens ?? 0;
    const output = usage?.completionTokens ?? 0;
    return {
      id: `resp_${this.#facts.digits}`,
      object: 'response',
      created_at: this.#facts.createdAt,
      completed_at: this.#facts.createdAt,
      status: 'completed',
      model: this.#facts.model,
      output: [...this.#output('reasoning'), ...this.#output('message'), ...this.#output('function_call')],
      usage: {
        input_tokens: input,
        output_tokens: output,
        total_tokens: input + output,
        input_tokens_details: { cached_tokens: usage?.cachedTokens ?? 0 },
      },
    };
  }

  #reasoned(delta: string): NamedEvent[] {
    const id = this.#id('rs');
    const item = { ...reasoningItem(id, ''), content: [], status: 'in_progress' };
    const added = this.#reasoning === '' ? [named('response.output_item.added', { item })] : [];
    this.#reasoning += delta;
    return [...added, named('response.reasoning_text.delta', { delta, item_id: id })];
  }

  #said(delta: string): NamedEvent[] {
    const id = this.#id('msg');
    const item = { id, type: 'message', role: 'assistant', status: 'in_progress', content: [] };
    const part = { type: 'output_text', text: '' };
    const added = [
      named('response.output_item.added', { item }),
      named('response.content_part.added', { item_id: id, part }),
    ];
    const opening = this.#text === '' ? added : [];
    this.#text += delta;
    return [...opening, named('response.output_text.delta', { item_id: id, delta })];
  }

  #textEnd(): NamedEvent[] {
    if (this.#text === '') return [];
    const id = this.#id('msg');
    return [
      named('response.output_text.done', { item_id: id, text: this.#text }),
      named('response.content_part.done', { item_id: id, part: textPart(this.#text) }),
    ];
  }

  #output(type: 'reasoning' | 'message' | 'function_call'): object[] {
    if (type === 'function_call') return this.#calls.map((call) => callItem(call, 'completed'));
    if (type === 'reasoning') return this.#reasoning === '' ? [] : [reasoningItem(this.#id('rs'), this.#reasoning)];
    const content = [textPart(this.#text)];
    return this.#text === '' ? [] : [{ id: this.#id('msg'), type, role: 'assistant', status: 'completed', content }];
  }

  #id(prefix: string): string {
    return `${prefix}_${this.#facts.digits}`;
  }
}

function named(type: string, data: object): NamedEvent {
  return { event: type, data: { type, ...data } };
}

function textPart(text: string): object {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

function reasoningItem(id: string, text: string): object {
  return { id, type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text }], encrypted_content: '' };
}

function callItem({ callId, name, text }: Call, status: string): object {
  return { type: 'function_call', status, arguments: text, call_id: callId, name };
}
