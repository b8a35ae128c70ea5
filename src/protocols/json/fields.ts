import type { RawJson } from '../../domain/ask.ts';
import { RouterError } from '../../errors.ts';
import { reading } from './reading.ts';
import { decodeString, findMember, type Member, scanArray, scanObject } from './scan.ts';

/** How an object's fields are read. */
export interface Reading {
  /** What error texts call the object, as Go's decoder does: `ChatRequest`. */
  readonly struct: string;
  /** Go's decoder, Ollama's, takes `Model` for `model`. */
  readonly foldCase: boolean;
}

/** From so many members on they are looked up by an index. */
const MANY = 64;

/**
 * The fields of a JSON object, read from its bytes one by one: values that are only passed on are never decoded. A
 * `null` counts as absent. A value of the wrong type throws `invalid_parameter` in the words of Ollama's decoder.
 */
export class Fields {
  readonly bytes: Buffer;
  /** Where the object opens. */
  readonly brace: number;
  readonly members: readonly Member[];
  readonly reading: Reading;
  #index: ReadonlyMap<string, Member> | undefined;

  /** Throws `JsonSyntaxError` where no object stands at `brace`. */
  constructor(bytes: Buffer, brace: number, reading: Reading) {
    this.bytes = bytes;
    this.brace = brace;
    this.members = scanObject(bytes, brace);
    this.reading = reading;
  }

  member(key: string): Member | undefined {
    if (this.members.length > MANY) return this.#byKey().get(key);
    if (!this.reading.foldCase) return findMember(this.members, key);
    return this.members.findLast((m) => m.key === key || (m.key.length === key.length && m.key.toLowerCase() === key));
  }

  /** The value's JSON text, or undefined where it is absent or null. */
  raw(key: string): RawJson | undefined {
    const member = this.#present(key);
    return member && this.bytes.toString('utf8', member.start, member.end);
  }

  string(key: string): string | undefined {
    const member = this.#typed(key, 'string', 'string');
    return member && this.#text(member.start, member.end);
  }

  boolean(key: string): boolean | undefined {
    const member = this.#typed(key, 'bool', 'bool');
    return member && this.bytes[member.start] === 0x74;
  }

  /** A number's text as it was written. */
  number(key: string, goType = 'float64'): RawJson | undefined {
    const member = this.#typed(key, 'number', goType);
    return member && this.bytes.toString('utf8', member.start, member.end);
  }

  object(key: string, struct: string, goType = `map[string]interface {}`): Fields | undefined {
    const member = this.#typed(key, 'object', goType);
    return member && this.#nested(member.start, struct);
  }

  /** The elements of an array of objects. */
  objects(key: string, struct: string): Fields[] {
    const member = this.#typed(key, 'array', `[]api.${struct}`);
    if (member === undefined) return [];
    return scanArray(this.bytes, member.start).map(({ start }) => {
      if (typeAt(this.bytes, start) !== 'object') this.fail(key, typeAt(this.bytes, start), `api.${struct}`);
      return this.#nested(start, struct);
    });
  }

  /** Whether an array has no elements, or is absent or null. Looks at no element: a conversation may be long. */
  isEmptyArray(key: string, struct: string): boolean {
    const member = this.#typed(key, 'array', `[]api.${struct}`);
    if (member === undefined) return true;
    let at = member.start + 1;
    while ((this.bytes[at] ?? 0) <= 0x20) at++;
    return at === member.end - 1;
  }

  /** Whether a text is `""`, absent or null; does not decode it. */
  isEmptyText(key: string): boolean {
    const member = this.#typed(key, 'string', 'string');
    return member === undefined || member.end - member.start === 2;
  }

  /** The elements of an array of strings. */
  strings(key: string, goType = '[]string'): string[] {
    const member = this.#typed(key, 'array', goType);
    if (member === undefined) return [];
    return scanArray(this.bytes, member.start).map(({ start, end }) => {
      if (typeAt(this.bytes, start) !== 'string') this.fail(key, typeAt(this.bytes, start), 'string');
      return this.#text(start, end);
    });
  }

  /** What kind of value stands there; undefined where it is absent or null. */
  type(key: string): JsonType | undefined {
    const member = this.#present(key);
    return member && typeAt(this.bytes, member.start);
  }

  fail(key: string, found: string, goType: string): never {
    const message = `json: cannot unmarshal ${found} into Go struct field ${this.reading.struct}.${key} of type ${goType}`;
    throw new RouterError('invalid_parameter', message, { param: key });
  }

  /** A search for each of many keys would take for ever. */
  #byKey(): ReadonlyMap<string, Member> {
    const { foldCase } = this.reading;
    this.#index ??= new Map(this.members.map((member) => [foldCase ? member.key.toLowerCase() : member.key, member]));
    return this.#index;
  }

  #present(key: string): Member | undefined {
    const member = this.member(key);
    return member === undefined || typeAt(this.bytes, member.start) === 'null' ? undefined : member;
  }

  #typed(key: string, type: JsonType, goType: string): Member | undefined {
    const member = this.#present(key);
    if (member === undefined) return undefined;
    const found = typeAt(this.bytes, member.start);
    return found === type ? member : this.fail(key, found, goType);
  }

  /** Throws `invalid_json` for what only shows here: the scanner does not look at all of a long string. */
  #text(start: number, end: number): string {
    return reading(() => decodeString(this.bytes, start, end));
  }

  #nested(start: number, struct: string): Fields {
    return new Fields(this.bytes, start, { struct, foldCase: this.reading.foldCase });
  }
}

/** Types as Go's decoder names them. */
export type JsonType = 'string' | 'bool' | 'number' | 'object' | 'array' | 'null';

const TYPES: Readonly<Record<string, JsonType>> = {
  '"': 'string',
  t: 'bool',
  f: 'bool',
  n: 'null',
  '{': 'object',
  '[': 'array',
};

function typeAt(bytes: Buffer, start: number): JsonType {
  return TYPES[String.fromCharCode(bytes[start] ?? 0)] ?? 'number';
}
