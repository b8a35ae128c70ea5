import assert from 'node:assert/strict';
import type { Format } from '../../../src/telemetry/metrics/exposition.ts';

interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly samples: ParsedSample[];
}

/** What may follow a family's name in the names of its samples. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  gauge: [''],
  counter: ['_total'],
  summary: ['', '_sum', '_count'],
  histogram: ['_bucket', '_sum', '_count'],
};

const HEAD = /^# (HELP|TYPE|UNIT) ([a-z_:][a-z0-9_:]*) (.+)$/;
const SAMPLE = /^([a-z_:][a-z0-9_:]*)(?:\{(.+)\})? (\S+)$/s;
const LABEL = /([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;
const NUMBER = /^(?:[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const BOUND: Readonly<Record<Format, RegExp>> = {
  text: /^(?:\+Inf|\d+(?:\.\d*[1-9])?)$/,
  openmetrics: /^(?:\+Inf|\d+\.\d+)$/,
};

/** Reads what a scrape gives, and fails where the format does not allow it; families by name. */
export function parsed(text: string, format: Format): Map<string, ParsedFamily> {
  const end = format === 'openmetrics' ? '# EOF\n' : '';
  assert.ok(text.endsWith(`\n${end}`), 'ends as the format wants');
  const body = text.slice(0, text.length - end.length - 1);
  const families = new Map<string, ParsedFamily>();
  let family: ParsedFamily | undefined;
  for (const line of body.split('\n')) {
    const [, what, name = '', said = ''] = HEAD.exec(line) ?? [];
    if (what === undefined) addSample(family, line, format);
    else if (what === 'HELP') assert.ok(!families.has(name), `${name} comes once`);
    else if (what === 'TYPE') {
      assert.ok(said in SUFFIXES, line);
      family = { name, type: said, samples: [] };
      families.set(name, family);
    } else assert.ok(format === 'openmetrics' && name === family?.name && name.endsWith(`_${said}`), line);
  }
  for (const each of families.values()) checkSeries(each, format);
  return families;
}

function addSample(family: ParsedFamily | undefined, line: string, format: Format): void {
  const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
  assert.match(value, NUMBER, line);
  assert.ok(family !== undefined, line);
  const suffixes = format === 'text' && family.type === 'counter' ? [''] : SUFFIXES[family.type];
  assert.ok(
    suffixes?.some((suffix) => name === family.name + suffix),
    `${name} is of ${family.name}`,
  );
  family.samples.push({ name, labels: labelsIn(labels), value: Number(value.replace('Inf', 'Infinity')) });
}

function labelsIn(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? assert.fail(`no labels: ${text}`);
    assert.ok(!(name in labels), text);
    labels[name] = value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
  }
  return labels;
}

function checkSeries({ name, type, samples }: ParsedFamily, format: Format): void {
  const series = samples.map((sample) => sample.name + JSON.stringify(sample.labels));
  assert.equal(new Set(series).size, series.length, `no series of ${name} comes twice`);
  if (type === 'counter') for (const { value } of samples) assert.ok(value >= 0, name);
  if (type === 'histogram') for (const one of distributions(samples).values()) checkDistribution(one, format);
}

/** The samples of each set of labels, without `le`. */
function distributions(samples: readonly ParsedSample[]): Map<string, ParsedSample[]> {
  return Map.groupBy(samples, ({ labels: { le, ...others } }) => JSON.stringify(others));
}

function checkDistribution(samples: readonly ParsedSample[], format: Format): void {
  const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
  const [sum, count] = samples.slice(buckets.length);
  assert.deepEqual(
    [sum?.name, count?.name].map((name) => name?.replace(/.*(?=_)/, '')),
    ['_sum', '_count'],
  );
  const bounds = buckets.map(({ labels }) => labels['le'] ?? '');
  for (const bound of bounds) assert.match(bound, BOUND[format]);
  assert.equal(bounds.at(-1), '+Inf');
  assert.equal(buckets.at(-1)?.value, count?.value);
  ascending(
    bounds.map((bound) => Number(bound.replace('Inf', 'Infinity'))),
    true,
  );
  ascending(
    buckets.map(({ value }) => value),
    false,
  );
}

function ascending(values: readonly number[], strictly: boolean): void {
  for (const [i, value] of values.entries()) {
    const before = values[i - 1] ?? Number.NEGATIVE_INFINITY;
    assert.ok(value > before || (!strictly && value === before), `${values}`);
  }
}

/** The values of a sample by the values of these labels, joined with spaces. */
export function valuesOf(
  families: ReadonlyMap<string, ParsedFamily>,
  sample: string,
  ...labels: readonly string[]
): Record<string, number> {
  const found = [...families.values()].flatMap(({ samples }) => samples.filter(({ name }) => name === sample));
  return Object.fromEntries(found.map((one) => [labels.map((label) => one.labels[label]).join(' '), one.value]));
}
