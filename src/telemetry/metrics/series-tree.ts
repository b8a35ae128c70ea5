import { clean, labelText, OTHER } from './labels.ts';

/** How many series a family may have, and what becomes of the rest. */
export interface Bounds {
  /** From here on, series that are new fold their labels into `other`; at twice as many, all labels. */
  readonly limit: number;
  /** Labels with few values, which are kept when the others fold. */
  readonly keep?: readonly string[];
}

interface Branch<S> {
  readonly below: Map<string, Branch<S>>;
  series: S | undefined;
}

/** Finds a family's series by the values of its labels. There are never more than twice `limit` of them and one. */
export class SeriesTree<S> {
  readonly #names: readonly string[];
  readonly #bounds: Bounds;
  readonly #create: (labels: string) => S;
  readonly #root: Branch<S> = branch();
  readonly #all: S[] = [];

  /** `create` makes a series of its labels' text. */
  constructor(names: readonly string[], bounds: Bounds, create: (labels: string) => S) {
    this.#names = names;
    this.#bounds = bounds;
    this.#create = create;
  }

  /** All series, the oldest first. */
  get all(): readonly S[] {
    return this.#all;
  }

  /** The series of these values; a new one where there is room, else the one that takes in the rest. */
  at(values: readonly string[]): S {
    return this.#find(values) ?? this.#orFolded(values.map(clean));
  }

  #orFolded(values: readonly string[]): S {
    const { limit, keep = [] } = this.#bounds;
    const folded = values.map((value, i) => (keep.includes(this.#names[i] ?? '') ? value : OTHER));
    return this.#within(limit, values) ?? this.#within(2 * limit, folded) ?? this.#make(values.map(() => OTHER));
  }

  #within(limit: number, values: readonly string[]): S | undefined {
    return this.#all.length < limit ? this.#make(values) : this.#find(values);
  }

  #find(values: readonly string[]): S | undefined {
    let at: Branch<S> | undefined = this.#root;
    for (const value of values) at = at?.below.get(value);
    return at?.series;
  }

  #make(values: readonly string[]): S {
    let at = this.#root;
    for (const value of values) {
      const next: Branch<S> = at.below.get(value) ?? branch();
      at.below.set(value, next);
      at = next;
    }
    at.series ??= this.#add(values);
    return at.series;
  }

  #add(values: readonly string[]): S {
    const series = this.#create(labelText(this.#names, values));
    this.#all.push(series);
    return series;
  }
}

function branch<S>(): Branch<S> {
  return { below: new Map(), series: undefined };
}
