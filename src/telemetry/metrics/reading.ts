import { type Family, type MetricType, sampleLine } from './exposition.ts';
import { clean, labelText, type Values } from './labels.ts';

/** Values read at this moment, each with those of its labels. */
export type Read<L extends readonly string[]> = () => Iterable<readonly [values: Values<L>, value: number]>;

/** Endpoints may list any number of models. */
const MAX_SERIES = 2_000;

/** A family whose values are read when they are asked for: the first 2,000, the last of those with the same labels. */
export class Reading<L extends readonly string[]> implements Family {
  readonly type: MetricType;
  readonly name: string;
  readonly help: string;
  readonly #labels: L;
  readonly #read: Read<L>;

  constructor(type: MetricType, name: string, help: string, labels: L, read: Read<L>) {
    this.type = type;
    this.name = name;
    this.help = help;
    this.#labels = labels;
    this.#read = read;
  }

  lines(): string {
    const lines = new Map<string, string>();
    for (const [values, value] of this.#read()) {
      if (lines.size >= MAX_SERIES) break;
      const labels = labelText(this.#labels, values.map(clean));
      lines.set(labels, sampleLine(this.name, labels, value));
    }
    return [...lines.values()].join('');
  }
}
