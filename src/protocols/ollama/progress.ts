import { asNumber, asString, type JsonObject } from '../../domain/json.ts';
import { objectText, text } from '../json/write.ts';

/** What one line of a task says: on its way, done, or given up. */
export type Step =
  | { readonly kind: 'progress'; readonly line: JsonObject }
  | { readonly kind: 'success' }
  | { readonly kind: 'error'; readonly message: string };

/** Reads a line of `/api/pull`, `/api/push` or `/api/create`. An empty `error` says nothing. */
export function readStep({ error, ...line }: JsonObject): Step {
  if (error !== undefined && error !== null && error !== '')
    return { kind: 'error', message: asString(error) ?? JSON.stringify(error) };
  return line['status'] === 'success' ? { kind: 'success' } : { kind: 'progress', line };
}

/** A line of a stream. */
function lineText(line: JsonObject): string {
  return `${JSON.stringify(line)}\n`;
}

export const SUCCESS_LINE = '{"status":"success"}\n';

export function errorLine(message: string): string {
  return `${objectText({ error: text(message) })}\n`;
}

/** No task has more layers and steps: what an endpoint says beyond that is not told. */
const MAX_KNOWN = 10_000;

/** How far one target is. */
interface Target {
  readonly name: string;
  /** Index of the furthest of the known statuses that it has reached; -1 before the first. */
  reached: number;
  over: boolean;
}

/** What one target has of a digest. */
interface Share {
  readonly total: number;
  readonly completed: number;
}

interface Layer {
  readonly shares: Map<Target, Share>;
  /** The line that told of it last. */
  told: string;
}

/**
 * Merges the progress of one task on many targets into one stream of lines. A digest is told of with the sum over all
 * targets that named it, where those that finished or failed keep their last value, so that no sum ever falls. Any other
 * status is told once, in the order of first appearance: when the last target at work has come to it, at the latest
 * before a digest that some target named after it. How the task ends is not told here.
 */
export class MergedProgress {
  readonly #targets: readonly Target[];
  readonly #layers = new Map<string, Layer>();
  /** All statuses without a digest, and the lines that brought them, by first appearance. */
  readonly #statuses = new Map<string, number>();
  readonly #lines: string[] = [];
  /** So many of them have been told. */
  #told = 0;
  #notices: string[] = [];

  constructor(names: readonly string[]) {
    this.#targets = names.map((name) => ({ name, reached: -1, over: false }));
  }

  /** The lines to send now that the target, by its index, has said this. */
  progress(index: number, line: JsonObject): string {
    const target = this.#target(index);
    const digest = asString(line['digest']) ?? '';
    if (digest !== '') return this.#digest(target, digest, line);
    this.#reach(target, line);
    return this.#tellUpTo(this.#slowest());
  }

  /** The same now that the target has succeeded. */
  succeeded(index: number): string {
    this.#target(index).over = true;
    return this.#tellUpTo(this.#slowest());
  }

  /** The same now that it has failed. While others get on, a line says so: their end may be hours away. */
  failed(index: number, message: string): string {
    const target = this.#target(index);
    target.over = true;
    this.#notices.push(lineText({ status: `${target.name}: failed - ${message}` }));
    return this.#tellUpTo(this.#slowest());
  }

  #digest(target: Target, digest: string, line: JsonObject): string {
    const layer = this.#layer(digest);
    if (layer === undefined) return '';
    layer.shares.set(target, grown(layer.shares.get(target), line));
    const told = lineText({ ...line, ...sum(layer.shares) });
    if (told === layer.told) return '';
    layer.told = told;
    const before = `${this.#tellUpTo(target.reached)}${this.#notices.join('')}`;
    this.#notices = [];
    return `${before}${told}`;
  }

  #layer(digest: string): Layer | undefined {
    const known = this.#layers.get(digest);
    if (known !== undefined || this.#layers.size >= MAX_KNOWN) return known;
    const layer: Layer = { shares: new Map(), told: '' };
    this.#layers.set(digest, layer);
    return layer;
  }

  #reach(target: Target, line: JsonObject): void {
    const status = asString(line['status']) ?? '';
    if (!this.#statuses.has(status)) {
      if (this.#statuses.size >= MAX_KNOWN) return;
      this.#statuses.set(status, this.#statuses.size);
      this.#lines.push(lineText(line));
    }
    target.reached = Math.max(target.reached, this.#statuses.get(status) ?? -1);
  }

  /** What every target that is still at work has come to, or all where none is. */
  #slowest(): number {
    const working = this.#targets.filter(({ over }) => !over);
    return Math.min(this.#lines.length - 1, ...working.map(({ reached }) => reached));
  }

  #tellUpTo(index: number): string {
    const lines = this.#lines.slice(this.#told, index + 1);
    this.#told += lines.length;
    return lines.join('');
  }

  #target(index: number): Target {
    const target = this.#targets[index];
    if (target === undefined) throw new RangeError(`no target ${index}`);
    return target;
  }
}

function grown(before: Share | undefined, line: JsonObject): Share {
  return {
    total: Math.max(before?.total ?? 0, asNumber(line['total']) ?? 0),
    completed: Math.max(before?.completed ?? 0, asNumber(line['completed']) ?? 0),
  };
}

/** As on Ollama, zeros are left out. */
function sum(shares: ReadonlyMap<unknown, Share>): { total?: number | undefined; completed?: number | undefined } {
  const all = [...shares.values()];
  const total = all.reduce((before, share) => before + share.total, 0);
  const completed = all.reduce((before, share) => before + share.completed, 0);
  return { total: total || undefined, completed: completed || undefined };
}
