/** The version of a simulated Ollama that names none: the newest that runs models in its own process. */
export const defaultVersion = '0.24.0';

/** Whether a version is at least another; a suffix (`-rc2`) does not count. */
export function since(version: string | undefined, first: string): boolean {
  const has = numbers(version ?? defaultVersion);
  const needs = numbers(first);
  for (const [i, need] of needs.entries()) {
    const have = has[i] ?? 0;
    if (have !== need) return have > need;
  }
  return true;
}

function numbers(version: string): number[] {
  return version.split(/[.-]/, 3).map((part) => Number.parseInt(part, 10) || 0);
}
