const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** A `keep_alive` value in milliseconds; negative ones mean for ever. Throws Ollama's text. */
export function keepAliveMs(value: unknown): number {
  if (typeof value === 'number') return forEverIfNegative(value * 1000);
  if (typeof value === 'string') return forEverIfNegative(goDurationMs(value));
  throw new Error(`Unsupported type: '${goTypeOf(value)}'`);
}

function forEverIfNegative(ms: number): number {
  return ms < 0 ? Number.POSITIVE_INFINITY : ms;
}

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  return typeof value === 'boolean' ? 'bool' : 'map[string]interface {}';
}

/** Go's `time.ParseDuration`. */
function goDurationMs(text: string): number {
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  const quoted = JSON.stringify(text);
  let rest = unsigned;
  let total = 0;
  if (rest === '') throw new Error(`time: invalid duration ${quoted}`);
  while (rest !== '') {
    const [all = '', number = ''] = /^([0-9]+\.?[0-9]*|\.[0-9]+)/.exec(rest) ?? [];
    if (all === '') throw new Error(`time: invalid duration ${quoted}`);
    const [unit = ''] = /^[^0-9.]+/.exec(rest.slice(all.length)) ?? [];
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`);
    const ms = unitMs[unit];
    if (ms === undefined) throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    total += Number(number) * ms;
    rest = rest.slice(all.length + unit.length);
  }
  return sign * total;
}
