/** A model name in Ollama's four parts, defaults filled in. */
export interface OllamaName {
  readonly host: string;
  readonly namespace: string;
  readonly model: string;
  readonly tag: string;
}

const part = {
  host: /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}$/,
  namespace: /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/,
  model: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/,
  tag: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/,
} as const;

/** Splits and checks a name; undefined where Ollama says it is invalid. */
export function parseName(text: string): OllamaName | undefined {
  const rest = text.replace(/^[a-z]+:\/\//i, '');
  const slash = rest.lastIndexOf('/');
  const colon = rest.lastIndexOf(':');
  const tagged = colon > slash;
  const path = (tagged ? rest.slice(0, colon) : rest).split('/');
  // Only a host has a scheme.
  if (rest !== text && path.length < 3) return undefined;
  const model = path.pop() ?? '';
  const namespace = path.pop() ?? 'library';
  const host = path.length > 0 ? path.join('/') : 'registry.ollama.ai';
  const name = { host, namespace, model, tag: tagged ? rest.slice(colon + 1) : 'latest' };
  return isValid(name) ? name : undefined;
}

function isValid(name: OllamaName): boolean {
  return (
    part.host.test(name.host) &&
    part.namespace.test(name.namespace) &&
    part.model.test(name.model) &&
    part.tag.test(name.tag)
  );
}

/** `foo` becomes `foo:latest`; the default host and `library/` are hidden. Undefined for an invalid name. */
export function displayName(text: string): string | undefined {
  const name = parseName(text);
  if (name === undefined) return undefined;
  const path = [name.host, name.namespace, name.model];
  if (name.host.toLowerCase() === 'registry.ollama.ai') path.shift();
  if (path.length === 2 && name.namespace.toLowerCase() === 'library') path.shift();
  return `${path.join('/')}:${name.tag}`;
}

/** As Ollama writes a name in its capability errors: all four parts. */
export function fullName(text: string): string {
  const name = parseName(text);
  return name === undefined ? text : `${name.host}/${name.namespace}/${name.model}:${name.tag}`;
}
