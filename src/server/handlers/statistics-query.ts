import { readBoolean, readDecimal, readDuration } from '../../config/units.ts';
import type { JsonObject, JsonValue } from '../../domain/json.ts';
import { RouterError } from '../../errors.ts';
import { parseObject } from '../../protocols/json/parse.ts';
import { type BodyBudget, readBody } from '../body.ts';
import type { Visit } from '../route.ts';

/** What a request asks for, by fields of its body or else of its query. */
export type Parameters = (name: string) => JsonValue | undefined;

/** The end of the year 9999. */
const LATEST = 253_402_300_799;
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/i;
const BUCKETS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3_600, day: 86_400 };

/** Reads a request whose body may be missing. Throws `invalid_json`, and as `readBody` does. */
export async function readParameters({ request, query }: Visit, budget: BodyBudget): Promise<Parameters> {
  using hold = budget.open();
  const body = await readBody(request, hold);
  const fields: JsonObject | undefined = body.length === 0 ? {} : parseObject(body.toString());
  if (fields === undefined) throw new RouterError('invalid_json', 'request body is not a JSON object');
  const inQuery = new URLSearchParams(query);
  const inBody = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined);
  return (name) => inBody(name) ?? inQuery.get(name) ?? undefined;
}

/** Whole Unix seconds, as `readInstant` reads them. */
export function readTime(parameters: Parameters, name: string): number | undefined {
  const instant = readInstant(parameters, name);
  return instant === undefined ? undefined : Math.floor(instant);
}

/** Unix seconds from seconds or ISO 8601, in UTC where it names no zone. */
export function readInstant(parameters: Parameters, name: string): number | undefined {
  const value = parameters(name);
  if (value === undefined || value === '') return undefined;
  const seconds = typeof value === 'number' ? value : typeof value === 'string' ? secondsOf(value.trim()) : undefined;
  if (seconds !== undefined && seconds >= 0 && seconds <= LATEST) return seconds;
  throw invalidParameter(name, 'a time in Unix seconds or ISO 8601');
}

/** Seconds from seconds, the name of a unit or a duration such as `5m`. */
export function readBucket(parameters: Parameters): number | undefined {
  const value = parameters('bucket');
  if (value === undefined || value === '') return undefined;
  const text = typeof value === 'string' || typeof value === 'number' ? String(value).trim().toLowerCase() : '';
  const seconds = Object.hasOwn(BUCKETS, text) ? BUCKETS[text] : (readDuration(text) ?? Number.NaN) / 1_000;
  if (seconds !== undefined && Number.isInteger(seconds) && seconds >= 1 && seconds <= LATEST) return seconds;
  throw invalidParameter('bucket', 'whole seconds, second, minute, hour, day or a duration like 5m');
}

/** A whole number from a number or its text, from 0 to `most`. */
export function readCount(parameters: Parameters, name: string, missing: number, most: number): number {
  const value = parameters(name) ?? missing;
  const count = typeof value === 'string' ? (readDecimal(value) ?? Number.NaN) : value;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= most) return count;
  throw invalidParameter(name, `a whole number from 0 to ${most}`);
}

/** True or false, false where it is missing. */
export function readFlag(parameters: Parameters, name: string): boolean {
  const value = parameters(name) ?? false;
  const flag = typeof value === 'string' ? readBoolean(value) : value;
  if (typeof flag === 'boolean') return flag;
  throw invalidParameter(name, 'true or false');
}

function secondsOf(text: string): number | undefined {
  const seconds = readDecimal(text);
  if (seconds !== undefined) return seconds;
  const [iso, zone] = ISO.exec(text) ?? [];
  if (iso === undefined) return undefined;
  const hasTime = iso.length > 'YYYY-MM-DD'.length;
  const ms = Date.parse(hasTime && zone === undefined ? `${iso}Z` : iso);
  return Number.isNaN(ms) ? undefined : ms / 1_000;
}

/** A parameter that is not what it must be. */
export function invalidParameter(param: string, due: string): RouterError {
  return new RouterError('invalid_parameter', `${param} must be ${due}`, { param });
}
