/** The time as ISO 8601 in UTC with milliseconds; `now` gives milliseconds since the epoch. The second is written once. */
export function timeStamp(now: () => number): () => string {
  let second = Number.NaN;
  let written = '';
  return () => {
    const time = now();
    const whole = Math.floor(time / 1_000);
    if (whole !== second) {
      second = whole;
      written = new Date(whole * 1_000).toISOString().slice(0, -4);
    }
    return `${written}${String(Math.floor(time) - whole * 1_000).padStart(3, '0')}Z`;
  };
}
