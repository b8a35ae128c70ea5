/**
 * Ollama's model names: `[host/][namespace/]model[:tag]`. The tag is what follows the last colon behind the last slash,
 * so a registry's port is no tag.
 */

const DEFAULT_HOST = 'registry.ollama.ai';
const DEFAULT_NAMESPACE = 'library';
const DEFAULT_TAG = 'latest';

const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$/;
const NAMESPACE = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$/;
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}$/;

/** Where a name asks to be run: `:local`, `:cloud` (also a tag ending `-cloud`), or nowhere in particular. */
type Source = 'local' | 'cloud' | 'any';

export interface ModelName {
  /** Lower-case display form without `:local`: equal keys name the same model on an Ollama server. */
  readonly key: string;
  readonly source: Source;
}

/** Takes a name apart; undefined where Ollama calls it invalid. */
export function parseModelName(text: string): ModelName | undefined {
  const { rest, source } = splitSource(text);
  const key = canonicalKey(rest);
  return key === undefined ? undefined : { key, source };
}

/** The suffix after the last colon may name a source instead of a tag: `qwen3:8b:local`, `kimi:cloud`. */
function splitSource(text: string): { rest: string; source: Source } {
  const colon = text.lastIndexOf(':');
  const suffix = colon > text.lastIndexOf('/') ? text.slice(colon + 1).toLowerCase() : '';
  if (suffix === 'local') return { rest: withoutLocal(text), source: 'local' };
  if (suffix === 'cloud') return { rest: stubName(text), source: 'cloud' };
  return { rest: text, source: suffix.endsWith('-cloud') ? 'cloud' : 'any' };
}

/** A server lists the cloud name `gpt-oss:20b:cloud` as `gpt-oss:20b-cloud`, and `kimi:cloud` as it is. */
function stubName(text: string): string {
  const name = text.slice(0, -':cloud'.length);
  return name.lastIndexOf(':') > name.lastIndexOf('/') ? `${name}-cloud` : text;
}

/** Whether the name asks for both, which Ollama refuses: `kimi:cloud:local`. */
export function namesTwoSources(text: string): boolean {
  return /:(?:[^:/]*-)?cloud:local$|:local:cloud$/i.test(text);
}

function canonicalKey(text: string): string | undefined {
  const parts = text.replace(/^[a-z]+:\/\//i, '').split('/');
  const [model, tag] = splitTag(parts.pop() ?? '');
  const namespace = parts.pop() ?? DEFAULT_NAMESPACE;
  const host = parts.length > 0 ? parts.join('/') : DEFAULT_HOST;
  if (!PART.test(model) || !PART.test(tag)) return undefined;
  if (!NAMESPACE.test(namespace) || !HOST.test(host)) return undefined;
  return display(host.toLowerCase(), namespace.toLowerCase(), model.toLowerCase(), tag.toLowerCase());
}

function splitTag(text: string): [string, string] {
  const colon = text.lastIndexOf(':');
  return colon === -1 ? [text, DEFAULT_TAG] : [text.slice(0, colon), text.slice(colon + 1)];
}

function display(host: string, namespace: string, model: string, tag: string): string {
  if (host !== DEFAULT_HOST) return `${host}/${namespace}/${model}:${tag}`;
  return namespace === DEFAULT_NAMESPACE ? `${model}:${tag}` : `${namespace}/${model}:${tag}`;
}

/** The name as an Ollama server of any version understands it: newer ones alone know the suffix `:local`. */
export function withoutLocal(name: string): string {
  return name.slice(-':local'.length).toLowerCase() === ':local' ? name.slice(0, -':local'.length) : name;
}

/** An OpenAI-style id with the `:latest` taken off that some clients put behind every name. */
export function withoutLatest(id: string): string {
  return id.endsWith(':latest') ? id.slice(0, -':latest'.length) : id;
}
