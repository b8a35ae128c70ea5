import type { RawJson } from '../../domain/ask.ts';
import { randomId } from '../../domain/random-id.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { type ItemStatus, itemEvent, type NamedEvent, type OutputItem } from './output-item.ts';

/** What the model says. */
export class MessageItem implements OutputItem {
  readonly #id = randomId('msg_');
  readonly #index: number;
  readonly #logprobs: RawJson[] = [];
  #text = '';
  #status: ItemStatus | 'in_progress' = 'in_progress';

  constructor(index: number) {
    this.#index = index;
  }

  opening(): NamedEvent[] {
    const added = itemEvent('added', this.#index, this.#item([]));
    return [added, this.#event('response.content_part.added', { part: this.#part() })];
  }

  delta(delta: string, logprobs: readonly RawJson[]): NamedEvent[] {
    this.#text += delta;
    this.#logprobs.push(...logprobs);
    const members = { delta: text(delta), logprobs: arrayText(logprobs) };
    return [this.#event('response.output_text.delta', members)];
  }

  closing(status: ItemStatus): NamedEvent[] {
    this.#status = status;
    const said = { text: text(this.#text), logprobs: arrayText(this.#logprobs) };
    return [
      this.#event('response.output_text.done', said),
      this.#event('response.content_part.done', { part: this.#part() }),
      itemEvent('done', this.#index, this.json()),
    ];
  }

  json(): RawJson {
    return this.#item([this.#part()]);
  }

  #item(content: readonly RawJson[]): RawJson {
    return objectText({
      id: text(this.#id),
      type: text('message'),
      status: text(this.#status),
      role: text('assistant'),
      content: arrayText(content),
    });
  }

  #part(): RawJson {
    const logprobs = arrayText(this.#logprobs);
    return objectText({ type: text('output_text'), text: text(this.#text), annotations: '[]', logprobs });
  }

  #event(type: string, members: NamedEvent['members']): NamedEvent {
    const place = { item_id: text(this.#id), output_index: text(this.#index), content_index: '0' };
    return { type, members: { ...place, ...members } };
  }
}
