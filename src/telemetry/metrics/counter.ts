import { type Family, sampleLine } from './exposition.ts';
import type { Values } from './labels.ts';
import { type Bounds, SeriesTree } from './series-tree.ts';

interface Count {
  readonly labels: string;
  value: number;
}

/** A family of sums that only grow. */
export class Counter<L extends readonly string[]> implements Family {
  readonly type = 'counter';
  readonly name: string;
  readonly help: string;
  readonly #series: SeriesTree<Count>;

  constructor(name: string, help: string, labels: L, bounds: Bounds) {
    this.name = name;
    this.help = help;
    this.#series = new SeriesTree(labels, bounds, (text) => ({ labels: text, value: 0 }));
  }

  /** Adds one, or `amount`; what is no positive number is passed over, as endpoints may count oddly. */
  add(values: Values<L>, amount = 1): void {
    if (amount > 0 && amount < Number.POSITIVE_INFINITY) this.#series.at(values).value += amount;
  }

  lines(): string {
    return this.#series.all.map(({ labels, value }) => sampleLine(this.name, labels, value)).join('');
  }
}
