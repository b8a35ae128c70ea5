import type { Database } from './database.ts';
import type { ListQuery, StoredRequest } from './messages.ts';

/** What is unknown is NULL in the table. */
type Row = { readonly [Key in keyof StoredRequest]: Exclude<StoredRequest[Key], undefined> | null } & {
  readonly receivedAt: number;
  readonly id: string;
  readonly record: string;
};

const PURGED_AT_ONCE = 2_000;

const COLUMNS = 'received_at AS receivedAt, id, asked, model, endpoint, outcome, client, record';
const FIND = `SELECT ${COLUMNS} FROM router_requests WHERE id = ? ORDER BY received_at DESC LIMIT 1`;
const PURGE = `
DELETE FROM router_requests WHERE number IN (
  SELECT number FROM router_requests WHERE received_at < ? LIMIT ${PURGED_AT_ONCE})`;
/** Conditions, for values of these names. */
const FILTERS = [
  ['model', '(asked = :model OR model = :model)'],
  ['endpoint', 'endpoint = :endpoint'],
  ['outcome', 'outcome = :outcome'],
  ['client', 'client = :client'],
] as const;

/** The newest request with the id. */
export function findRequest(database: Database, id: string): StoredRequest | undefined {
  const row = database.get<Row>(FIND, id);
  return row && storedOf(row);
}

/** The requests that fit, newest first. */
export function listRequests(database: Database, filter: ListQuery): StoredRequest[] {
  const set = FILTERS.filter(([name]) => filter[name] !== undefined);
  const where = ['received_at < :before', ...set.map(([, condition]) => condition)].join(' AND ');
  const values = Object.fromEntries(set.map(([name]) => [name, filter[name] ?? null]));
  const sql = `SELECT ${COLUMNS} FROM router_requests WHERE ${where} ORDER BY received_at DESC, number DESC LIMIT :limit`;
  const { before = Number.MAX_SAFE_INTEGER, limit } = filter;
  return database.allNamed<Row>(sql, { ...values, before, limit }).map(storedOf);
}

/** Deletes the requests received before a time (milliseconds since the epoch), chunk by chunk. */
export function* purgeRequests(database: Database, before: number): Generator<undefined, void> {
  while (database.within(() => database.run(PURGE, before)) === PURGED_AT_ONCE) yield;
}

function storedOf({ asked, model, endpoint, outcome, client, ...rest }: Row): StoredRequest {
  return {
    ...rest,
    asked: asked ?? undefined,
    model: model ?? undefined,
    endpoint: endpoint ?? undefined,
    outcome: outcome ?? undefined,
    client: client ?? undefined,
  };
}
