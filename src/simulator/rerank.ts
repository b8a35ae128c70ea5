/** A document and how well it answers a query, between 0 and 1. */
export interface Ranked {
  readonly index: number;
  readonly score: number;
}

/** The documents by how many of the query's words they have, best first; equals in their own order. */
export function ranked(query: string, documents: readonly string[], topN = documents.length): Ranked[] {
  const wanted = wordsOf(query);
  const scores = documents.map((document, index) => ({ index, score: overlap(wanted, wordsOf(document)) }));
  return scores.sort((a, b) => b.score - a.score || a.index - b.index).slice(0, topN);
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
}

/** Half of what can be had for the query's words, and a little less for every word beside them. */
function overlap(wanted: ReadonlySet<string>, words: ReadonlySet<string>): number {
  const found = [...wanted].filter((word) => words.has(word)).length;
  const others = words.size - found;
  return (0.9 * found) / Math.max(1, wanted.size) + 0.1 / (1 + others);
}
