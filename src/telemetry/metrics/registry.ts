import { Counter } from './counter.ts';
import { type Family, type Format, familyText } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { type Read, Reading } from './reading.ts';

/** Series of a counter before labels fold. */
const MAX_COUNTS = 2_000;
/** A histogram's are some fifteen lines each. */
const MAX_DISTRIBUTIONS = 500;

/** Everything that is measured, in the order in which it is told. */
export class Registry {
  readonly #families: Family[] = [];

  /** A sum per set of labels; its name ends in `_total`. Labels in `keep` have few values and stay when others fold. */
  counter<const L extends readonly string[]>(name: string, help: string, labels: L, keep: Keep<L> = []): Counter<L> {
    return this.#add(new Counter(name, help, labels, { limit: MAX_COUNTS, keep }));
  }

  /** A distribution per set of labels, over buckets that end at `bounds`. */
  histogram<const L extends readonly string[]>(
    name: string,
    help: string,
    labels: L,
    bounds: readonly number[],
    keep: Keep<L> = [],
  ): Histogram<L> {
    return this.#add(new Histogram(name, help, labels, bounds, { limit: MAX_DISTRIBUTIONS, keep }));
  }

  /** Values that go up and down, read when they are asked for. */
  gauge<const L extends readonly string[]>(name: string, help: string, labels: L, read: Read<L>): void {
    this.#add(new Reading('gauge', name, help, labels, read));
  }

  /** One value that goes up and down; undefined where it cannot be had now. */
  value(name: string, help: string, read: () => number | undefined): void {
    this.#add(new Reading('gauge', name, help, [], single(read)));
  }

  /** One sum that somebody else keeps; its name ends in `_total`. */
  total(name: string, help: string, read: () => number | undefined): void {
    this.#add(new Reading('counter', name, help, [], single(read)));
  }

  /** Quantiles of a distribution that somebody else keeps, from 0 to 1. */
  quantiles(name: string, help: string, read: Read<readonly ['quantile']>): void {
    this.#add(new Reading('summary', name, help, ['quantile'], read));
  }

  /** All of it. */
  text(format: Format): string {
    const families = this.#families.map((family) => familyText(family, format)).join('');
    return format === 'openmetrics' ? `${families}# EOF\n` : families;
  }

  #add<F extends Family>(family: F): F {
    this.#families.push(family);
    return family;
  }
}

type Keep<L extends readonly string[]> = readonly L[number][];

function single(read: () => number | undefined): Read<readonly []> {
  return () => {
    const value = read();
    return value === undefined ? [] : [[[], value]];
  };
}
