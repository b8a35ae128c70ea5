import { EmptyJsonError, firstJsonValue } from '../json-value.ts';

/** A body that Go's decoder refuses; the message is Go's. */
export class GoDecodeError extends Error {}

/** How Go reads a JSON value into a type: tolerant of unknown fields and of the case of names, strict about types. */
export interface GoType<T> {
  readonly name: string;
  decode(value: unknown, at: Position): T;
}

/** Where in the outermost struct a value stands, and the first error found so far. */
interface Position {
  readonly path: string;
  readonly errors: string[];
}

type Decoded<F> = { readonly [K in keyof F]: F[K] extends GoType<infer T> ? T | undefined : never };

/** Decodes the first JSON value of a body; throws {@link GoDecodeError}, with message `EOF` for an empty one. */
export function decodeBody<T>(text: string, type: GoType<T>): T {
  const errors: string[] = [];
  const decoded = type.decode(parsed(text), { path: '', errors });
  const first = errors[0];
  if (first !== undefined) throw new GoDecodeError(first);
  return decoded;
}

function parsed(text: string): unknown {
  try {
    return firstJsonValue(text);
  } catch (error) {
    if (error instanceof EmptyJsonError) throw new GoDecodeError('EOF');
    throw new GoDecodeError(error instanceof Error ? error.message : String(error));
  }
}

function refuse(value: unknown, at: Position, name: string): undefined {
  const target = at.path === '' ? `Go value of type ${name}` : `Go struct field ${at.path} of type ${name}`;
  at.errors.push(`json: cannot unmarshal ${goKind(value)} into ${target}`);
  return undefined;
}

/** What Go's decoder calls the kind of a value. */
export function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function scalar<T>(name: string, accepts: (value: unknown) => value is T): GoType<T | undefined> {
  return { name, decode: (value, at) => (accepts(value) ? value : refuse(value, at, name)) };
}

export const goString = scalar('string', (value) => typeof value === 'string');
export const goBool = scalar('bool', (value) => typeof value === 'boolean');
export const goFloat = scalar('float64', (value) => typeof value === 'number');
export const goFloat32 = scalar('float32', (value) => typeof value === 'number');

export const goInt: GoType<number | undefined> = {
  name: 'int',
  decode(value, at) {
    if (typeof value !== 'number') return refuse(value, at, 'int');
    if (Number.isInteger(value)) return value;
    at.errors.push(`json: cannot unmarshal number ${value} into Go struct field ${at.path} of type int`);
    return undefined;
  },
};

/** Anything, as it is. */
export const goAny: GoType<unknown> = { name: 'interface {}', decode: (value) => value };

/** An object with any values. */
export const goMap: GoType<Readonly<Record<string, unknown>> | undefined> = {
  name: 'map[string]interface {}',
  decode: (value, at) => (isObject(value) ? value : refuse(value, at, 'map[string]interface {}')),
};

/** A list; null elements become undefined. */
export function goList<T>(element: GoType<T>, name = `[]${element.name}`): GoType<readonly T[] | undefined> {
  return {
    name,
    decode: (value, at) =>
      Array.isArray(value) ? value.map((item) => element.decode(item, at)) : refuse(value, at, name),
  };
}

/** A struct: the last of several spellings of a field wins, null leaves it unset. */
export function goStruct<F extends Record<string, GoType<unknown>>>(name: string, fields: F): GoType<Decoded<F>> {
  const types = new Map(Object.entries(fields).map(([field, type]) => [field.toLowerCase(), { field, type }]));
  return {
    name,
    decode(value, at) {
      const decoded: Record<string, unknown> = {};
      if (value === null) return decoded as Decoded<F>;
      if (!isObject(value)) refuse(value, at, name);
      else
        for (const [key, item] of Object.entries(value))
          decodeField(decoded, types.get(key.toLowerCase()), item, at, name);
      return decoded as Decoded<F>;
    },
  };
}

function decodeField(
  decoded: Record<string, unknown>,
  known: { readonly field: string; readonly type: GoType<unknown> } | undefined,
  value: unknown,
  at: Position,
  struct: string,
): void {
  if (known === undefined || value === null) return;
  const root = at.path === '' ? struct.slice(struct.lastIndexOf('.') + 1) : at.path;
  decoded[known.field] = known.type.decode(value, { path: `${root}.${known.field}`, errors: at.errors });
}

/** A type that reads itself; what `read` throws is the error's text. */
export function goCustom<T>(name: string, read: (value: unknown) => T): GoType<T | undefined> {
  return {
    name,
    decode(value, at) {
      try {
        return read(value);
      } catch (error) {
        at.errors.push(error instanceof Error ? error.message : String(error));
        return undefined;
      }
    },
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
