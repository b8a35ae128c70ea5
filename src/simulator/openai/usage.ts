import type { Usage } from '../generation.ts';

/** Usage of several choices: the prompt counts once. */
export function totalUsage(usages: readonly Usage[]): Usage {
  const none = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, promptMs: 0, completionMs: 0 };
  const first = usages[0] ?? none;
  const sum = (of: (usage: Usage) => number) => usages.reduce((total, usage) => total + of(usage), 0);
  return { ...first, completionTokens: sum((u) => u.completionTokens), completionMs: sum((u) => u.completionMs) };
}
