/** The value of a header in a flat list, the first where it stands twice; `name` in lower case. */
export function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i];
    if (candidate?.length === name.length && candidate.toLowerCase() === name) return headers[i + 1];
  }
  return undefined;
}
