import type { RawJson } from '../../domain/ask.ts';
import { randomId } from '../../domain/random-id.ts';
import { objectText, text } from '../json/write.ts';
import { type ItemStatus, itemEvent, type NamedEvent, type OutputItem } from './output-item.ts';

/** What a call is, once that is known. */
export interface CallFacts {
  readonly callId: string | undefined;
  readonly name: string;
  readonly namespace: string | undefined;
}

/** A function that the model wants called. */
export class CallItem implements OutputItem {
  readonly #id = randomId('fc_');
  readonly #index: number;
  readonly #facts: CallFacts;
  readonly #callId: string;
  #arguments = '';
  #status: ItemStatus | 'in_progress' = 'in_progress';

  constructor(index: number, facts: CallFacts) {
    this.#index = index;
    this.#facts = facts;
    this.#callId = facts.callId ?? randomId('call_');
  }

  opening(): NamedEvent[] {
    return [itemEvent('added', this.#index, this.json())];
  }

  delta(fragment: string): NamedEvent[] {
    if (fragment === '') return [];
    this.#arguments += fragment;
    return [this.#event('response.function_call_arguments.delta', { delta: text(fragment) })];
  }

  /** Clients parse the arguments: none at all are an empty object. */
  closing(status: ItemStatus): NamedEvent[] {
    const filled = status === 'completed' && this.#arguments.trim() === '' ? this.delta('{}') : [];
    this.#status = status;
    const said = { name: text(this.#facts.name), arguments: text(this.#arguments) };
    const done = this.#event('response.function_call_arguments.done', said);
    return [...filled, done, itemEvent('done', this.#index, this.json())];
  }

  json(): RawJson {
    return objectText({
      id: text(this.#id),
      type: text('function_call'),
      status: text(this.#status),
      call_id: text(this.#callId),
      name: text(this.#facts.name),
      namespace: text(this.#facts.namespace),
      arguments: text(this.#arguments),
    });
  }

  #event(type: string, members: NamedEvent['members']): NamedEvent {
    return { type, members: { item_id: text(this.#id), output_index: text(this.#index), ...members } };
  }
}
