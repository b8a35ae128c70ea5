/** JSON as Go writes it: HTML characters escaped, undefined fields left out. */
export function goJson(value: unknown): string {
  return goEscaped(JSON.stringify(value));
}

/** JSON text as Go's encoder escapes it. */
export function goEscaped(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, escaped);
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The number, or undefined where Go's `omitempty` leaves it out. */
export function unlessZero(count: number): number | undefined {
  return count === 0 ? undefined : count;
}

/** RFC 3339 with up to nine fractional digits, trailing zeros cut, in UTC. */
export function utcTime(ms: number): string {
  return `${dateAndTime(ms)}Z`;
}

/** The same with the server's own offset, here always seven hours behind. */
export function localTime(ms: number): string {
  return `${dateAndTime(ms - 7 * 3_600_000)}-07:00`;
}

function dateAndTime(ms: number): string {
  const fraction = (((ms % 1000) + 1000) % 1000) / 1000;
  const digits = fraction.toFixed(9).slice(2).replace(/0+$/, '');
  return `${new Date(Math.floor(ms)).toISOString().slice(0, 19)}${digits === '' ? '' : `.${digits}`}`;
}

/** Milliseconds since the epoch, with microseconds. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

/** Whole nanoseconds, at least one. */
export function nanoseconds(ms: number): number {
  return Math.max(1, Math.round(ms * 1e6));
}
