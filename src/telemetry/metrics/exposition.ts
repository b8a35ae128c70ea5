/** The two text formats of Prometheus: its own 0.0.4, and OpenMetrics 1.0. */
export type Format = 'text' | 'openmetrics';

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary';

/** A metric with all its series, ready to be written out. */
export interface Family {
  /** As its samples are called; a counter's ends in `_total`. */
  readonly name: string;
  /** One line, without backslashes and quotation marks. */
  readonly help: string;
  readonly type: MetricType;
  /** Its samples, a line each, with line feeds. */
  lines(format: Format): string;
}

const UNIT = /_(seconds|bytes)$/;

/** A family's head and its samples. OpenMetrics knows counters by their names without `_total`, and units. */
export function familyText(family: Family, format: Format): string {
  const { help, type } = family;
  const name = format === 'openmetrics' ? family.name.replace(/_total$/, '') : family.name;
  const unit = format === 'openmetrics' ? UNIT.exec(name)?.[1] : undefined;
  const unitLine = unit === undefined ? '' : `# UNIT ${name} ${unit}\n`;
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${unitLine}${family.lines(format)}`;
}

/** A sample's line; `labels` as `labelText` gives them. */
export function sampleLine(name: string, labels: string, value: number): string {
  return labels === '' ? `${name} ${numberText(value)}\n` : `${name}{${labels}} ${numberText(value)}\n`;
}

/** A bucket's upper bound: OpenMetrics wants whole numbers with a point, `1.0`. */
export function boundText(bound: number, format: Format): string {
  const text = numberText(bound);
  return format === 'openmetrics' && /^\d+$/.test(text) ? `${text}.0` : text;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
