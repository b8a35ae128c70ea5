import { parseModelName, withoutLocal } from '../../domain/model-name.ts';
import { RouterError } from '../../errors.ts';
import { readFields } from '../body.ts';
import type { Fields } from '../json/fields.ts';
import { cutMembers, type Edit, setValue, splice } from '../json/splice.ts';
import { text } from '../json/write.ts';

/** A request that concerns the models that servers keep, as it goes on to each of them. */
export interface Management {
  readonly path: string;
  /** The client's bytes, without what was meant for the router; a task always reports its progress. */
  readonly body: Buffer;
  /** The model that must be there, as the client spells it; for `create` and `pull` the one that is to be. */
  readonly model: string;
  /** What Ollama says where that model is not there. */
  readonly notFound: string;
  /** Whether the client wants the progress too, not only the end. */
  readonly streaming: boolean;
  /** The endpoints that the client names; undefined where it leaves them to the router. */
  readonly endpoints: readonly string[] | undefined;
  /** Uploaded files that it builds on. */
  readonly digests: readonly string[];
}

/** One route of the kind: reads its body, and throws `RouterError` where Ollama would refuse it. */
export interface ManagementRoute {
  readonly path: string;
  decode(body: Buffer): Management;
}

export const pull: ManagementRoute = route('/api/pull', 'PullRequest', () => {});
export const create: ManagementRoute = route('/api/create', 'CreateRequest', () => {});
export const push: ManagementRoute = route('/api/push', 'PushRequest', requireModel);
export const remove: ManagementRoute = route('/api/delete', 'DeleteRequest', (model) => {
  requireModel(model);
  requireValid('name', model);
});

export const copy: ManagementRoute = {
  path: '/api/copy',
  decode(body) {
    const fields = readFields(body, { struct: 'CopyRequest', foldCase: true });
    const source = fields.string('source') ?? '';
    requireValid('source', source);
    requireValid('destination', fields.string('destination') ?? '');
    const notFound = `model "${source}" not found`;
    return { ...management('/api/copy', fields, source, ['source', 'destination']), notFound };
  },
};

/** Whether this names an uploaded file: Ollama takes both spellings. */
export function isDigest(name: string): boolean {
  return /^sha256[:-][0-9a-f]{64}$/i.test(name);
}

/** Digests in the one spelling in which they are compared. */
export function canonicalDigest(digest: string): string {
  return digest.replace('-', ':').toLowerCase();
}

/** Clients name the model in either field and leave the other one empty. */
function route(path: string, struct: string, check: (model: string) => void): ManagementRoute {
  return {
    path,
    decode(body) {
      const fields = readFields(body, { struct, foldCase: true });
      const named = fields.string('name') ?? '';
      const model = fields.string('model') || named;
      check(model);
      return management(path, fields, model, ['model', 'name']);
    },
  };
}

function management(path: string, fields: Fields, model: string, names: readonly string[]): Management {
  const streaming = fields.boolean('stream') ?? true;
  const edits = [...cutMembers(fields.members, 'nomyo'), ...nameEdits(fields, names), ...streamEdit(fields, streaming)];
  return {
    path,
    body: splice(fields.bytes, edits),
    model,
    notFound: `model '${model}' not found`,
    streaming,
    endpoints: chosenEndpoints(fields),
    digests: digestsOf(fields),
  };
}

/** Only newer servers know the suffix `:local`. */
function nameEdits(fields: Fields, names: readonly string[]): Edit[] {
  return names.flatMap((name) => {
    const member = fields.member(name);
    const value = fields.string(name) ?? '';
    const plain = withoutLocal(value);
    return member === undefined || plain === value ? [] : [setValue(member, text(plain))];
  });
}

/** Progress is also a sign of life: without it nobody could tell a long task from an endpoint that hangs. */
function streamEdit(fields: Fields, streaming: boolean): Edit[] {
  const member = fields.member('stream');
  return streaming || member === undefined ? [] : [setValue(member, 'true')];
}

/** `"nomyo"`: endpoints as `"a,b"`, `["a", "b"]`, or either of them as its `endpoint` or `endpoints`. */
function chosenEndpoints(fields: Fields): readonly string[] | undefined {
  if (fields.type('nomyo') !== 'object') return namesIn(fields, 'nomyo');
  const inner = fields.object('nomyo', 'nomyo');
  return inner && (namesIn(inner, 'endpoint') ?? namesIn(inner, 'endpoints'));
}

function namesIn(fields: Fields, key: string): readonly string[] | undefined {
  if (fields.type(key) === undefined) return undefined;
  if (fields.type(key) === 'array') return fields.strings(key);
  return fields.string(key)?.split(',');
}

function digestsOf(fields: Fields): string[] {
  return ['files', 'adapters', 'draft_files'].flatMap((key) => {
    const files = fields.type(key) === 'object' ? fields.object(key, key) : undefined;
    return (files?.members ?? [])
      .map(({ start, end }) => fields.bytes.toString('utf8', start + 1, end - 1))
      .filter(isDigest)
      .map(canonicalDigest);
  });
}

function requireModel(model: string): void {
  if (model === '') throw new RouterError('model_required', 'model is required', { param: 'model' });
}

function requireValid(field: string, name: string): void {
  if (parseModelName(name) !== undefined) return;
  throw new RouterError('invalid_parameter', `${field} ${JSON.stringify(name)} is invalid`, { param: field });
}
