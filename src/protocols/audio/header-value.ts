/** A header's value with its parameters: `form-data; name="model"`. */
export interface HeaderValue {
  /** In lower case. */
  readonly value: string;
  /** By their names in lower case; of two equal ones the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** One parameter: a word, or a quoted text in which a backslash escapes (RFC 9110, section 5.6.6). */
const PARAMETER = /\s*;\s*(?:([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*)))?/y;

/** Takes a header's value apart, as far as it can be understood. */
export function parseHeaderValue(text: string): HeaderValue {
  const end = text.indexOf(';');
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = end === -1 ? text.length : end;
  for (let found = PARAMETER.exec(text); found !== null; found = PARAMETER.exec(text)) {
    const [, name, quoted, word] = found;
    const key = name?.toLowerCase();
    if (key !== undefined && !parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? word ?? '');
  }
  return { value: (end === -1 ? text : text.slice(0, end)).trim().toLowerCase(), parameters };
}
