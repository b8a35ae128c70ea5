const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-9],
  ['us', 1e-6],
  ['\u00b5s', 1e-6],
  ['\u03bcs', 1e-6],
  ['ms', 1e-3],
  ['s', 1],
  ['m', 60],
  ['h', 3600],
]);
/** Go counts nanoseconds in 63 bits. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/** Seconds of a duration in Go's notation, `1h30m` or `-1m` or `300ms`; undefined where Go refuses it, as it does `300`. */
export function parseGoDuration(text: string): number | undefined {
  const parsed = parse(text);
  return typeof parsed === 'number' ? parsed : undefined;
}

/** What Go says of a duration that it refuses; undefined where it takes it. */
export function goDurationError(text: string): string | undefined {
  const parsed = parse(text);
  return typeof parsed === 'number' ? undefined : `time: ${parsed} duration ${JSON.stringify(text)}`;
}

/** The seconds, or what is wrong. */
function parse(text: string): number | string {
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return 0;
  if (unsigned === '') return 'invalid';
  let seconds = 0;
  for (const [, number = '', unit = ''] of unsigned.matchAll(/(\d*\.?\d*)([^\d.]*)/gy)) {
    if (number === '' && unit === '') break;
    if (!/\d/.test(number)) return 'invalid';
    if (unit === '') return 'missing unit in';
    const factor = UNIT_SECONDS.get(unit);
    if (factor === undefined) return `unknown unit ${JSON.stringify(unit)} in`;
    seconds += Number(number) * factor;
  }
  if (seconds > MAX_SECONDS) return 'invalid';
  return text.startsWith('-') ? -seconds : seconds;
}
