import type { RawJson } from '../../domain/ask.ts';
import { text } from '../json/write.ts';

/** An event of a stream before it has its number. */
export interface NamedEvent {
  readonly type: string;
  readonly members: Readonly<Record<string, RawJson | undefined>>;
}

export type ItemStatus = 'completed' | 'incomplete';

/** An item of a response's `output` while it grows. */
export interface OutputItem {
  /** What announces it. */
  opening(): NamedEvent[];
  /** What ends it; its status stays. */
  closing(status: ItemStatus): NamedEvent[];
  /** As it stands in the output. */
  json(): RawJson;
}

/** The event that begins or ends an item. */
export function itemEvent(what: 'added' | 'done', index: number, item: RawJson): NamedEvent {
  return { type: `response.output_item.${what}`, members: { output_index: text(index), item } };
}
