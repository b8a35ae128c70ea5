import type { RawJson } from '../../domain/ask.ts';
import { randomId } from '../../domain/random-id.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { itemEvent, type NamedEvent, type OutputItem } from './output-item.ts';

/** What the model thought before it spoke, told as a summary of itself. */
export class ReasoningItem implements OutputItem {
  readonly #id = randomId('rs_');
  readonly #index: number;
  readonly #encrypted: boolean;
  #text = '';

  /** `encrypted`: also in the form that the client means to send back. */
  constructor(index: number, encrypted: boolean) {
    this.#index = index;
    this.#encrypted = encrypted;
  }

  opening(): NamedEvent[] {
    const added = { id: text(this.#id), type: text('reasoning'), summary: '[]' };
    const part = this.#event('response.reasoning_summary_part.added', { part: summaryPart('') });
    return [itemEvent('added', this.#index, objectText(added)), part];
  }

  delta(delta: string): NamedEvent[] {
    this.#text += delta;
    return [this.#event('response.reasoning_summary_text.delta', { delta: text(delta) })];
  }

  closing(): NamedEvent[] {
    return [
      this.#event('response.reasoning_summary_text.done', { text: text(this.#text) }),
      this.#event('response.reasoning_summary_part.done', { part: summaryPart(this.#text) }),
      itemEvent('done', this.#index, this.json()),
    ];
  }

  /** Sent back, Ollama reads `encrypted_content`, llama-server insists on `content`, others read the summary. */
  json(): RawJson {
    const raw = objectText({ type: text('reasoning_text'), text: text(this.#text) });
    return objectText({
      id: text(this.#id),
      type: text('reasoning'),
      summary: arrayText([summaryPart(this.#text)]),
      content: arrayText([raw]),
      encrypted_content: this.#encrypted ? text(this.#text) : undefined,
    });
  }

  #event(type: string, members: NamedEvent['members']): NamedEvent {
    const place = { item_id: text(this.#id), output_index: text(this.#index), summary_index: '0' };
    return { type, members: { ...place, ...members } };
  }
}

function summaryPart(said: string): RawJson {
  return objectText({ type: text('summary_text'), text: text(said) });
}
