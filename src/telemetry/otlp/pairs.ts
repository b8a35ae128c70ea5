/** Names and values of `name=value,name2=value2`, percent-decoded, as OpenTelemetry's variables have them. */
export function pairs(
  variable: string,
  text: string | undefined,
  warn: (text: string) => void,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = Object.create(null);
  for (const [i, entry] of (text ?? '').split(',').entries()) {
    if (entry.trim() === '') continue;
    const [name, value] = pair(entry) ?? [];
    if (name === undefined || value === undefined) warn(`${variable}: entry ${i + 1} is no name=value; it is left out`);
    else found[name] = value;
  }
  return found;
}

function pair(entry: string): readonly [name: string, value: string] | undefined {
  const equals = entry.indexOf('=');
  if (equals === -1) return undefined;
  try {
    const name = decodeURIComponent(entry.slice(0, equals).trim());
    return name === '' ? undefined : [name, decodeURIComponent(entry.slice(equals + 1).trim())];
  } catch {
    return undefined;
  }
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether these can be a header of HTTP (RFC 9110, section 5). */
export function isHeader(name: string, value: string): boolean {
  return NAME.test(name) && VALUE.test(value);
}
