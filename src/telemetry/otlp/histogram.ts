import { type Attributes, type KeyValue, keyValues, nanos } from './attributes.ts';

/** What is measured. */
export interface Instrument {
  readonly name: string;
  /** In UCUM, as `s`. */
  readonly unit: string;
  readonly description: string;
  /** Upper ends of the buckets, which include them; one more bucket has what is above the last. */
  readonly bounds: readonly number[];
}

interface Series {
  readonly attributes: readonly KeyValue[];
  readonly buckets: number[];
  count: number;
  sum: number;
}

/** `AggregationTemporality`: everything since the start, so that a lost export loses nothing. */
const CUMULATIVE = 2;

/** Counts values of one instrument by their attributes. */
export class Histogram {
  readonly #instrument: Instrument;
  readonly #most: number;
  readonly #fold: (attributes: Attributes) => Attributes;
  readonly #series = new Map<string, Series>();

  /** Beyond `most` combinations of attributes new ones are counted under what `fold` makes of them: few, and always the same. */
  constructor(instrument: Instrument, most: number, fold: (attributes: Attributes) => Attributes) {
    this.#instrument = instrument;
    this.#most = most;
    this.#fold = fold;
  }

  /** Counts a value; one that is no finite number is left out. The names in `attributes` are always in the same order. */
  observe(value: number, attributes: Attributes): void {
    if (!Number.isFinite(value)) return;
    const series = this.#find(attributes);
    const { bounds } = this.#instrument;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
    series.count++;
    series.sum += value;
  }

  #find(attributes: Attributes): Series {
    const key = keyOf(attributes);
    const found = this.#series.get(key);
    if (found !== undefined) return found;
    if (this.#series.size < this.#most) return this.#add(key, attributes);
    const folded = this.#fold(attributes);
    const foldedKey = keyOf(folded);
    return this.#series.get(foldedKey) ?? this.#add(foldedKey, folded);
  }

  #add(key: string, attributes: Attributes): Series {
    const buckets = new Array<number>(this.#instrument.bounds.length + 1).fill(0);
    const series = { attributes: keyValues(attributes), buckets, count: 0, sum: 0 };
    this.#series.set(key, series);
    return series;
  }

  /** All counts since `sinceMs` as the JSON of a `Metric`; undefined where nothing was counted. Times since the epoch. */
  metric(sinceMs: number, nowMs: number): string | undefined {
    if (this.#series.size === 0) return undefined;
    const { name, unit, description, bounds } = this.#instrument;
    const dataPoints = Array.from(this.#series.values(), ({ attributes, buckets, count, sum }) => ({
      attributes,
      startTimeUnixNano: nanos(sinceMs),
      timeUnixNano: nanos(nowMs),
      count: String(count),
      sum,
      bucketCounts: buckets.map(String),
      explicitBounds: bounds,
    }));
    return JSON.stringify({ name, unit, description, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } });
  }
}

/** A value that is not there is another than an empty one. */
function keyOf(attributes: Attributes): string {
  let key = '';
  for (const name in attributes) key += `${attributes[name]}\n`;
  return key;
}
