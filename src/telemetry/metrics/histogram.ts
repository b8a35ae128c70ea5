import { boundText, type Family, type Format, sampleLine } from './exposition.ts';
import type { Values } from './labels.ts';
import { type Bounds, SeriesTree } from './series-tree.ts';

interface Distribution {
  readonly labels: string;
  /** How many values fell between each bound and the one before; the last are those above all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

/** A family of distributions over fixed buckets. */
export class Histogram<L extends readonly string[]> implements Family {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #series: SeriesTree<Distribution>;

  /** `bounds` are the upper ends of the buckets, inclusive, in ascending order, without infinity. */
  constructor(name: string, help: string, labels: L, bounds: readonly number[], limits: Bounds) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    this.#series = new SeriesTree(labels, limits, (text) => ({
      labels: text,
      counts: new Float64Array(bounds.length + 1),
      sum: 0,
    }));
  }

  /** Takes in one value; one that is negative or no number is passed over, as endpoints may measure oddly. */
  observe(values: Values<L>, value: number): void {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return;
    const series = this.#series.at(values);
    const bucket = this.#bucketOf(value);
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += value;
  }

  lines(format: Format): string {
    const ends = [...this.#bounds, Number.POSITIVE_INFINITY].map((bound) => `le="${boundText(bound, format)}"`);
    return this.#series.all.map((series) => this.#seriesLines(series, ends)).join('');
  }

  #seriesLines({ labels, counts, sum }: Distribution, ends: readonly string[]): string {
    const before = labels === '' ? '' : `${labels},`;
    let count = 0;
    let text = '';
    for (const [i, end] of ends.entries()) {
      count += counts[i] ?? 0;
      text += sampleLine(`${this.name}_bucket`, before + end, count);
    }
    return text + sampleLine(`${this.name}_sum`, labels, sum) + sampleLine(`${this.name}_count`, labels, count);
  }

  #bucketOf(value: number): number {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && value > (bounds[i] ?? 0)) i++;
    return i;
  }
}
