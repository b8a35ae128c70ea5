import type { AnswerEvent } from '../../domain/answer.ts';
import { CallItem } from './call-item.ts';

type Fragment = Extract<AnswerEvent, { type: 'tool-call-delta' }>;

/** A call of which the name has not come yet. */
interface Unnamed {
  id: string | undefined;
  arguments: string;
}

/** What a fragment adds, and the item that it belongs to, where that can be told of. */
export interface Growth {
  readonly item: CallItem | undefined;
  readonly isNew: boolean;
  readonly delta: string;
}

/** Puts fragments of calls together: a call is told of as soon as its name is known. */
export class Calls {
  readonly #namespaces: ReadonlyMap<string, string>;
  readonly #named = new Map<number, CallItem>();
  readonly #unnamed = new Map<number, Unnamed>();

  /** `namespaces`: by the name of the function. */
  constructor(namespaces: ReadonlyMap<string, string>) {
    this.#namespaces = namespaces;
  }

  /** `outputIndex` is the place of an item that is new. */
  take({ index, id, name = '', arguments: delta }: Fragment, outputIndex: number): Growth {
    const known = this.#named.get(index);
    if (known !== undefined) return { item: known, isNew: false, delta };
    const before = this.#unnamed.get(index) ?? { id: undefined, arguments: '' };
    const held = { id: before.id ?? id, arguments: before.arguments + delta };
    if (name === '') {
      this.#unnamed.set(index, held);
      return { item: undefined, isNew: false, delta: '' };
    }
    this.#unnamed.delete(index);
    const item = new CallItem(outputIndex, { callId: held.id, name, namespace: this.#namespaces.get(name) });
    this.#named.set(index, item);
    return { item, isNew: true, delta: held.arguments };
  }

  /** At the end: calls whose names never came, from this place of the output on. */
  unnamed(outputIndex: number): Growth[] {
    return [...this.#unnamed.values()].map(({ id, arguments: delta }, place) => {
      const item = new CallItem(outputIndex + place, { callId: id, name: '', namespace: undefined });
      return { item, isNew: true, delta };
    });
  }
}
