/** Readers of written values. Each gives undefined for a text that is no such value; none reads a negative one. */

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};
const TIME_UNITS: Readonly<Record<string, number>> = { '': 1e3, ms: 1, s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

export function readWhole(text: string): number | undefined {
  return /^\d{1,15}$/.test(text.trim()) ? Number(text) : undefined;
}

export function readDecimal(text: string): number | undefined {
  return /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : undefined;
}

/** YAML 1.1's words too, which is what the reference reads. */
export function readBoolean(text: string): boolean | undefined {
  if (/^(true|yes|on|1)$/i.test(text.trim())) return true;
  return /^(false|no|off|0)$/i.test(text.trim()) ? false : undefined;
}

/** Bytes from `64MiB`, `64 MB`, `64M` or `67108864`. */
export function readSize(text: string): number | undefined {
  return readMeasure(text, SIZE_UNITS);
}

/** Milliseconds from `500ms`, `30s`, `5m`, `1h`, or seconds without a unit. */
export function readDuration(text: string): number | undefined {
  return readMeasure(text, TIME_UNITS);
}

function readMeasure(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit] = /^(\d{1,15}(?:\.\d{1,9})?) ?([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(units, (unit ?? '').toLowerCase()) ? units[(unit ?? '').toLowerCase()] : undefined;
  return amount === undefined || factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** What `readSize` reads back to the same number. */
export function formatSize(bytes: number): string {
  return formatMeasure(
    bytes,
    [
      ['GiB', 2 ** 30],
      ['MiB', 2 ** 20],
      ['KiB', 2 ** 10],
    ],
    'B',
  );
}

/** What `readDuration` reads back to the same number. */
export function formatDuration(ms: number): string {
  return formatMeasure(
    ms,
    [
      ['h', 3_600e3],
      ['m', 60e3],
      ['s', 1e3],
    ],
    'ms',
  );
}

function formatMeasure(amount: number, units: readonly (readonly [string, number])[], smallest: string): string {
  const [unit, factor] = units.find(([, size]) => amount >= size && amount % size === 0) ?? [smallest, 1];
  return `${amount / factor}${unit}`;
}
