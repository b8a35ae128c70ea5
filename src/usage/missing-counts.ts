import type { TokenCount } from './ledger.ts';

/** What a file should count and does not: all that was counted, but for what is still to be written. */
export function missingFrom(
  stored: readonly TokenCount[],
  counted: readonly TokenCount[],
  unwritten: readonly TokenCount[],
): TokenCount[] {
  const keyOf = ({ endpoint, model }: TokenCount) => JSON.stringify([endpoint, model]);
  const missing = new Map(counted.map((count) => [keyOf(count), { ...count }]));
  for (const count of [...stored, ...unwritten]) {
    const left = missing.get(keyOf(count));
    if (left === undefined) continue;
    left.inputTokens -= count.inputTokens;
    left.outputTokens -= count.outputTokens;
    left.estimatedInputTokens -= count.estimatedInputTokens;
  }
  const positive = (tokens: number) => Math.max(0, tokens);
  return [...missing.values()]
    .map(({ endpoint, model, inputTokens, outputTokens, estimatedInputTokens }) => ({
      endpoint,
      model,
      inputTokens: positive(inputTokens),
      outputTokens: positive(outputTokens),
      estimatedInputTokens: positive(estimatedInputTokens),
    }))
    .filter(({ inputTokens, outputTokens }) => inputTokens + outputTokens > 0);
}
