/** A number that may have a fraction; plain numbers in attributes are whole ones. */
interface Fraction {
  readonly fraction: number;
}

/** What is said of a span, a measurement or a resource, by name; what is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | Fraction | boolean | undefined>>;

/** An attribute in the JSON of OTLP. */
export interface KeyValue {
  readonly key: string;
  readonly value:
    | { readonly stringValue: string }
    | { readonly intValue: string }
    | { readonly doubleValue: number }
    | { readonly boolValue: boolean };
}

/** Characters of one value: clients decide on some of them, and whole batches wait in memory. */
const MOST_CHARACTERS = 512;

/** Attributes as OTLP writes them in JSON. */
export function keyValues(attributes: Attributes): KeyValue[] {
  const list: KeyValue[] = [];
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) list.push({ key, value: anyValue(value) });
  }
  return list;
}

function anyValue(value: string | number | Fraction | boolean): KeyValue['value'] {
  if (typeof value === 'string') return { stringValue: bounded(value) };
  if (typeof value === 'number') return { intValue: String(Math.round(value)) };
  if (typeof value === 'boolean') return { boolValue: value };
  return { doubleValue: value.fraction };
}

/** A text of bounded length that is valid Unicode: receivers may refuse a batch for half a character. */
export function bounded(text: string): string {
  return (text.length > MOST_CHARACTERS ? text.slice(0, MOST_CHARACTERS) : text).toWellFormed();
}

/** Milliseconds since the epoch as the nanoseconds of OTLP, exact to a microsecond: a double has no digits beyond. */
export function nanos(epochMs: number): string {
  return `${Math.round(epochMs * 1000)}000`;
}
