/** The candidate that takes the fewest edits to become; the first of several; undefined only without candidates. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  const close = candidates.map((candidate) => ({ candidate, edits: editDistance(fold(text), fold(candidate)) }));
  return close.toSorted((a, b) => a.edits - b.edits)[0]?.candidate;
}

/** `did you mean "port"?`, or a fainter hint where the nearest candidate has little in common with the text. */
export function suggestion(text: string, candidates: readonly string[]): string {
  const found = nearest(text, candidates);
  if (found === undefined) return '';
  return isAlike(text, found) ? ` - did you mean "${found}"?` : ` - the nearest valid one is "${found}"`;
}

/** Whether the one may well be a slip for the other. */
export function isAlike(text: string, candidate: string): boolean {
  return editDistance(fold(text), fold(candidate)) <= Math.max(2, candidate.length / 3);
}

/** `maxConcurrentConnections` and `MAX-CONCURRENT-CONNECTIONS` are meant for `max_concurrent_connections`. */
function fold(text: string): string {
  // Longer texts are no typing errors, and the distance takes time that grows with the square.
  return text.slice(0, 100).toLowerCase().replace(/[-_]/g, '');
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) row = nextRow(row, letter, b, i + 1);
  return row[b.length] ?? 0;
}

function nextRow(above: readonly number[], letter: string, b: string, first: number): number[] {
  const row = [first];
  for (let j = 0; j < b.length; j++) {
    const swap = (above[j] ?? 0) + (b[j] === letter ? 0 : 1);
    row.push(Math.min(swap, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
  }
  return row;
}
