import * as z from 'zod';
import { Secret } from '../domain/secret.ts';
import { parseEndpointUrl } from './endpoint-url.ts';
import { readBoolean, readDecimal, readDuration, readSize, readWhole } from './units.ts';

/** Node's timers hold no longer time. */
const LONGEST_MS = 2 ** 31 - 1;

type Scalar = string | number | boolean;

export function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** A value read from its text. `wanted` completes the sentence "... must be". */
function leaf<T>(wanted: string, read: (text: string) => T | undefined) {
  const message = `must be ${wanted}`;
  return z.custom<Scalar>(isScalar, { error: () => message }).transform((written, context) => {
    const value = read(String(written));
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** A key without a value counts as not written. */
export function setting<T, I>(type: z.ZodType<T, I>, fallback: T) {
  return type.nullish().transform((value) => value ?? fallback);
}

/** Null items stay, so that indexes still say where an item was written. */
export function list<T, I>(type: z.ZodType<T, I>, what: string) {
  return z.array(type.nullable(), { error: () => `must be a list of ${what}, each behind "- "` });
}

/** Further keys below a key; all have defaults, so the whole may be missing. */
export function group<S extends z.core.$ZodLooseShape>(shape: S) {
  const object = z.strictObject(shape, { error: () => 'must hold further keys, indented below it' });
  return object.nullish().transform((value) => value ?? object.parse({}));
}

function within(least: number, most: number, read: (text: string) => number | undefined) {
  return (text: string): number | undefined => {
    const value = read(text);
    return value !== undefined && value >= least && value <= most ? value : undefined;
  };
}

export function oneOf<const T extends string>(values: readonly T[]) {
  return leaf(`one of ${values.join(', ')}`, (text) => values.find((value) => value === text.trim().toLowerCase()));
}

export const positive = leaf('a whole number of at least 1', within(1, Number.MAX_SAFE_INTEGER, readWhole));
export const size = leaf('a size such as "64MiB"', within(1, Number.MAX_SAFE_INTEGER, readSize));
export const duration = leaf('a time such as "30s" or "5m"', within(1, LONGEST_MS, readDuration));
export const durationOrZero = leaf('a time such as "30s" or 0', within(0, LONGEST_MS, readDuration));
/** No timer waits for it. */
export const age = leaf('a time such as "7d" or "12h"', within(1, Number.MAX_SAFE_INTEGER, readDuration));
export const countOrZero = leaf('a whole number up to 100000', within(0, 100_000, readWhole));
export const fraction = leaf('a number from 0 to 1', within(0, 1, readDecimal));
export const boolean = leaf('true or false', readBoolean);
export const text = leaf('a text', (written) => (written.trim() === '' ? undefined : written.trim()));

/** Empty means none. HTTP has no way to send a line break or a zero byte in a header; any other byte may be in a key. */
export const secret = leaf('a text without line breaks', (written) => {
  if (/[\r\n\0]/.test(written)) return undefined;
  return { secret: written === '' ? undefined : new Secret(written) };
}).transform((read) => read.secret);

export const url = z
  .custom<Scalar>(isScalar, { error: () => 'must be a URL such as http://192.168.0.50:11434' })
  .transform((written, context) => {
    const parsed = parseEndpointUrl(String(written).trim());
    if (!('problem' in parsed)) return parsed;
    context.addIssue({ code: 'custom', message: parsed.problem });
    return z.NEVER;
  });

/** Brackets around an IPv6 address belong to URLs. */
export const host = leaf('a host name or address without scheme and port', (written) => {
  const bare = written.trim().replace(/^\[(.*)\]$/, '$1');
  return /^([\w.-]+|[\da-f:.]*:[\da-f:.]*:[\da-f:.%\w]*)$/i.test(bare) ? bare : undefined;
});

export const imageHost = leaf('a host name such as cdn.example.org or "*.example.org"', (written) => {
  const bare = written.trim().toLowerCase();
  const name = bare.replace(/^\*\./, '');
  return /^[\p{L}\p{N}._-]+(:\d{1,5})?$/u.test(name) && URL.canParse(`https://${name}`) ? bare : undefined;
});

export const origin = leaf('"*" or an origin such as https://chat.example.org', (written) => {
  const bare = written.trim().toLowerCase().replace(/\/$/, '');
  return /^(\*|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+)$/.test(bare) ? bare : undefined;
});

export const name = leaf('a text of 1 to 64 characters', (written) => {
  const bare = written.trim();
  return /^\P{Cc}{1,64}$/u.test(bare) ? bare : undefined;
});

export const ttl = leaf('a whole number of seconds of at least 1, or null', (written) => {
  if (/^(null|none|~)$/i.test(written.trim())) return { seconds: null };
  const seconds = within(1, Number.MAX_SAFE_INTEGER, readWhole)(written);
  return seconds === undefined ? undefined : { seconds };
}).transform((read) => read.seconds);

export const port = leaf('a whole number from 0 to 65535', within(0, 65_535, readWhole));
