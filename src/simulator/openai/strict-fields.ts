import { type Body, isObject } from './body.ts';
import { ApiFailure } from './failure.ts';

/** Says what is wrong with a value; undefined: nothing. */
export type Check = (value: unknown) => string | undefined;

/** Refuses with OpenAI's error object. */
export function refuse(message: string, param?: string, code?: string): never {
  throw new ApiFailure(400, message, {
    ...(param === undefined ? {} : { param }),
    ...(code === undefined ? {} : { code }),
  });
}

/** Refuses fields that are not in the table, and values that their check does not pass; null is as absent. */
export function checkFields(body: Body, fields: Readonly<Record<string, Check>>, prefix: string): void {
  for (const [name, value] of Object.entries(body)) {
    const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (check === undefined) refuse(`Unknown parameter: '${prefix}${name}'.`, `${prefix}${name}`, 'unknown_parameter');
    const wrong = value === null ? undefined : check(value);
    if (wrong !== undefined) refuse(`Invalid ${wrong} for '${prefix}${name}'.`, `${prefix}${name}`, 'invalid_type');
  }
}

export const text: Check = (value) => (typeof value === 'string' ? undefined : expected('a string', value));
export const boolean: Check = (value) => (typeof value === 'boolean' ? undefined : expected('a boolean', value));
export const object: Check = (value) => (isObject(value) ? undefined : expected('an object', value));
export const list: Check = (value) => (Array.isArray(value) ? undefined : expected('an array', value));

export const textOrList: Check = (value) => {
  if (typeof value === 'string') return undefined;
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    return expected('a string or an array', value);
  return value.length > 4 ? 'value: expected an array with maximum length 4' : undefined;
};

export function number(low: number, high: number): Check {
  return (value) => {
    if (typeof value !== 'number') return expected('a decimal', value);
    return value < low || value > high
      ? `value: expected a decimal from ${low} to ${high}, but got ${value}`
      : undefined;
  };
}

export function integer(low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY): Check {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return expected('an integer', value);
    return value < low || value > high ? `value: integer out of range: ${value}` : undefined;
  };
}

function expected(what: string, value: unknown): string {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return `type: expected ${what}, but got ${got}`;
}
