/** A JSON object that was read but not checked. */
export type Body = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value if it is an object, else an empty one. */
export function objectIn(value: unknown): Body {
  return isObject(value) ? value : {};
}

/** The value's objects if it is a list, else none. */
export function objectsIn(value: unknown): readonly Body[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function numberIn(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
