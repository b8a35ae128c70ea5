import { completeModel } from '../model.ts';
import type { SimulatedModel } from '../simulation.ts';
import { OllamaFailure } from './failure.ts';
import { parseName } from './name.ts';

/** Where a name asks to be run, and the name without the suffix that says so. */
interface SourcedName {
  readonly base: string;
  readonly source: 'local' | 'cloud' | undefined;
}

/** Reads `:local`, `:cloud` and a tag that ends `-cloud`; throws what Ollama says to two of them, or to an invalid name. */
export function readName(text: string): SourcedName {
  const name = text.trim();
  const found = splitSource(name);
  if (found.source !== undefined && splitSource(found.base).source !== undefined)
    throw new OllamaFailure(400, `use either :local or :cloud, not both: ${JSON.stringify(name)}`);
  if (parseName(found.base) === undefined) throw new OllamaFailure(400, 'invalid model name');
  return found;
}

function splitSource(text: string): SourcedName {
  const colon = text.lastIndexOf(':');
  const suffix = colon > text.lastIndexOf('/') ? text.slice(colon + 1).toLowerCase() : '';
  if (suffix === 'local' || suffix === 'cloud') return { base: text.slice(0, colon), source: suffix };
  if (suffix.endsWith('-cloud')) return { base: text.slice(0, -'-cloud'.length), source: 'cloud' };
  return { base: text, source: undefined };
}

/** What stands for a cloud model in a server's own list: `x:20b-cloud`, or `x:cloud` where it has no tag. */
export function stubName(base: string): string {
  return base.lastIndexOf(':') > base.lastIndexOf('/') ? `${base}-cloud` : `${base}:cloud`;
}

/** A model that runs elsewhere, listed or not. */
export function cloudModel(base: string): SimulatedModel {
  return completeModel({ name: stubName(base), vram: 0, capabilities: ['completion', 'tools', 'thinking'] }, 'ollama');
}

export function isCloud(model: SimulatedModel): boolean {
  return /[:-]cloud$/i.test(model.name);
}
