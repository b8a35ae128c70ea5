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
  /** Lower-case display form without `:local`, cloud names as servers list them: equal keys name one model on an Ollama server. */
  readonly key: string;
  readonly source: Source;
}

/** Takes a name apart; undefined where Ollama refuses it, for which `nameFault` gives the reason. */
export function parseModelName(text: string): ModelName | undefined {
  const { base, source } = splitSource(text.trim());
  if (source !== 'any' && splitSource(base).source !== 'any') return undefined;
  const key = canonicalKey(source === 'cloud' ? stubName(base) : base);
  return key === undefined ? undefined : { key, source };
}

/** Why Ollama refuses a name, in its words; undefined where it does not. */
export function nameFault(text: string): string | undefined {
  if (parseModelName(text) !== undefined) return undefined;
  const name = text.trim();
  const { base, source } = splitSource(name);
  const two = source !== 'any' && splitSource(base).source !== 'any';
  return two ? `use either :local or :cloud, not both: ${JSON.stringify(name)}` : 'invalid model name';
}

/** The suffix after the last colon may name a source: `qwen3:8b:local`, `kimi:cloud`, `gpt-oss:120b-cloud`. */
function splitSource(text: string): { base: string; source: Source } {
  const colon = lastColon(text);
  const suffix = colon === -1 ? '' : text.slice(colon + 1).toLowerCase();
  if (suffix === 'local' || suffix === 'cloud') return { base: text.slice(0, colon), source: suffix };
  if (suffix.endsWith('-cloud')) return { base: text.slice(0, -'-cloud'.length), source: 'cloud' };
  return { base: text, source: 'any' };
}

/** A cloud model's entry in a server's own list: `gpt-oss:20b:cloud` and `gpt-oss:20b-cloud` are one. */
function stubName(base: string): string {
  return lastColon(base) === -1 ? `${base}:cloud` : `${base}-cloud`;
}

function canonicalKey(text: string): string | undefined {
  const bare = text.replace(/^[a-z]+:\/\//i, '');
  const parts = bare.split('/');
  // Only a host has a scheme.
  if (bare !== text && parts.length < 3) return undefined;
  const [model, tag] = splitTag(parts.pop() ?? '');
  const namespace = parts.pop() ?? DEFAULT_NAMESPACE;
  const host = parts.length > 0 ? parts.join('/') : DEFAULT_HOST;
  if (!PART.test(model) || !PART.test(tag) || !NAMESPACE.test(namespace) || !HOST.test(host)) return undefined;
  return display(host.toLowerCase(), namespace.toLowerCase(), model.toLowerCase(), tag.toLowerCase());
}

function splitTag(text: string): [string, string] {
  const colon = text.lastIndexOf(':');
  return colon === -1 ? [text, DEFAULT_TAG] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The colon before a tag; one before the last slash belongs to a port. */
function lastColon(text: string): number {
  const colon = text.lastIndexOf(':');
  return colon > text.lastIndexOf('/') ? colon : -1;
}

function display(host: string, namespace: string, model: string, tag: string): string {
  if (host !== DEFAULT_HOST) return `${host}/${namespace}/${model}:${tag}`;
  return namespace === DEFAULT_NAMESPACE ? `${model}:${tag}` : `${namespace}/${model}:${tag}`;
}

/** The name as an Ollama server of any version understands it: newer ones alone know the suffix `:local`. */
export function withoutLocal(name: string): string {
  const bare = name.trimEnd();
  return bare.slice(-':local'.length).toLowerCase() === ':local' ? bare.slice(0, -':local'.length) : name;
}

/** An OpenAI-style id with the `:latest` taken off that some clients put behind every name. */
export function withoutLatest(id: string): string {
  return id.endsWith(':latest') ? id.slice(0, -':latest'.length) : id;
}

/** Where llama-server's models come from is often part of their name. */
const HUB = /^(?:https?:\/\/)?(?:hf\.co|huggingface\.co)\//i;
const QUANTISATION = /:(?:ud-)?(?:i?q\d|f16|f32|bf16|mxfp)[\w-]*$/i;

/** A name of llama-server as people write it: with or without the hub in front, its quantisation in any case. */
export function looseName(name: string): string {
  return name.replace(HUB, '').replace(QUANTISATION, (tag) => tag.toUpperCase());
}

/** Names that people use for one of llama-server's models: without its owner, its quantisation, its file's folder. */
export function shortNames(id: string): string[] {
  const full = looseName(id);
  const bare = full.replace(QUANTISATION, '').replace(/\.gguf$/, '');
  return [...new Set([full, bare, lastStep(full), lastStep(bare)])];
}

function lastStep(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
