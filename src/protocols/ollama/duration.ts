const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};
const DURATION = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/u;
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gu;

/** Seconds of a duration in Go's notation, `1h30m` or `-1m` or `300ms`; undefined where Go refuses it, as it does `300`. */
export function parseGoDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  let seconds = 0;
  for (const [, number, unit] of (match[2] ?? '').matchAll(PART))
    seconds += Number(number) * (UNIT_SECONDS[unit ?? ''] ?? 0);
  return match[1] === '-' ? -seconds : seconds;
}
