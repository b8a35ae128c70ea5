import type { RequestRecord } from '../domain/request-record.ts';
import type { Placement } from '../routing/router.ts';

/** Field names come from clients: only what a header can hold is named, and no more of it than this. */
const MAX_NAME = 64;
const MAX_NAMES = 32;

/** The headers that tell a client what of its request was not passed on, and what was changed after a refusal. */
export function notesOf(dropped: readonly string[], changes: readonly string[]): readonly string[] {
  if (dropped.length === 0 && changes.length === 0) return NOTHING;
  const notes: string[] = [];
  if (dropped.length > 0) notes.push('X-Nomyo-Dropped', namesOf(dropped));
  if (changes.length > 0) notes.push('X-Nomyo-Recovered', changes.join('; '));
  return notes;
}

const NOTHING: readonly string[] = [];

/** The headers that tell a client which endpoint answers, and how it came to that. */
export function routeHeaders({ endpoint, model, reason }: Placement, record: RequestRecord): readonly string[] {
  return [
    'X-Nomyo-Endpoint',
    inHeader(endpoint.name),
    'X-Nomyo-Model',
    inHeader(model.id),
    'X-Nomyo-Route',
    reason,
    'X-Nomyo-Queue-Ms',
    String(Math.round(record.waitMs ?? 0)),
    'X-Nomyo-Retries',
    String(record.failedTries.length),
  ];
}

/** Headers are bytes: a name beyond ASCII goes out as UTF-8. What no header can hold is a question mark. */
function inHeader(name: string): string {
  return isPlain(name) ? name : Buffer.from(name.replace(/\p{Cc}/gu, '?'), 'utf8').toString('latin1');
}

function isPlain(name: string): boolean {
  return /^[\x20-\x7e]*$/.test(name);
}

function namesOf(names: readonly string[]): string {
  const unique = [...new Set(names)];
  const shown = unique.slice(0, MAX_NAMES).map((name) => name.replace(/[^\w.[\]-]/g, '?').slice(0, MAX_NAME));
  return unique.length > MAX_NAMES ? `${shown.join(', ')}, and ${unique.length - MAX_NAMES} more` : shown.join(', ');
}
