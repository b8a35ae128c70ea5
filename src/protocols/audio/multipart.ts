import { RouterError } from '../../errors.ts';
import { parseHeaderValue } from './header-value.ts';

/** One part of a form, as byte offsets into the body; its bytes are never copied. */
export interface FormPart {
  readonly name: string;
  /** Its value: `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** From its boundary to the next one: taken out, the rest is a form still. */
  readonly from: number;
  readonly to: number;
}

/** The longest header of a part, in bytes; a part without an end of its header is no reason to read a file as one. */
const MAX_HEADER_BYTES = 16 * 1024;

/** RFC 2046 allows no longer one, and a search for one without bounds could take for ever. */
const MAX_BOUNDARY = 70;

/** A line that ends one part and begins another, or ends the form. */
interface Delimiter {
  /** Where its dashes begin. */
  readonly at: number;
  /** Where the part behind it begins. */
  readonly next: number;
  readonly isLast: boolean;
}

/** The parts of a form that is whole (RFC 7578, RFC 2046 section 5.1.1). Throws `invalid_parameter`. */
export function parseForm(body: Buffer, contentType: string | undefined): FormPart[] {
  const boundary = Buffer.from(`\r\n--${boundaryOf(contentType)}`, 'latin1');
  const parts: FormPart[] = [];
  let delimiter = firstDelimiter(body, boundary);
  while (!delimiter.isLast) {
    const following = findDelimiter(body, boundary, delimiter.next - 2);
    parts.push(partBetween(body, delimiter, following));
    delimiter = following;
  }
  return parts;
}

function boundaryOf(contentType: string | undefined): string {
  const { value, parameters } = parseHeaderValue(contentType ?? '');
  if (value !== 'multipart/form-data')
    throw malformed('it must be multipart/form-data, with the fields file and model');
  const boundary = parameters.get('boundary') ?? '';
  if (boundary === '') throw malformed('its Content-Type names no boundary');
  if (boundary.length > MAX_BOUNDARY) throw malformed(`its boundary is longer than ${MAX_BOUNDARY} characters`);
  return boundary;
}

/** Before the first one there may be a text, which belongs to nobody, or nothing at all, not even a line's end. */
function firstDelimiter(body: Buffer, boundary: Buffer): Delimiter {
  const bare = boundary.subarray(2);
  const found = body.subarray(0, bare.length).equals(bare) ? delimiterAt(body, 0, bare.length) : undefined;
  return found ?? findDelimiter(body, boundary, 0);
}

/** The first delimiter from there on; without one the form is cut off. */
function findDelimiter(body: Buffer, boundary: Buffer, from: number): Delimiter {
  for (let at = body.indexOf(boundary, from); at !== -1; at = body.indexOf(boundary, at + boundary.length)) {
    const delimiter = delimiterAt(body, at + 2, at + boundary.length);
    if (delimiter !== undefined) return delimiter;
  }
  throw malformed('it ends before its closing boundary');
}

/** Undefined where the line goes on: it belongs to a value. Some software pads the line with white space. */
function delimiterAt(body: Buffer, at: number, end: number): Delimiter | undefined {
  if (body.toString('latin1', end, end + 2) === '--') return { at, next: end + 2, isLast: true };
  let next = end;
  while (body[next] === 0x20 || body[next] === 0x09) next++;
  return body.toString('latin1', next, next + 2) === '\r\n' ? { at, next: next + 2, isLast: false } : undefined;
}

function partBetween(body: Buffer, { at, next }: Delimiter, following: Delimiter): FormPart {
  const end = following.at - 2;
  // A part without headers begins with the empty line that ends them.
  const search = body.subarray(next - 2, Math.min(following.at, next + MAX_HEADER_BYTES));
  const blank = search.indexOf('\r\n\r\n');
  if (blank === -1) throw malformed('a part of it has no end of its header');
  const start = next - 2 + blank + 4;
  return {
    name: nameIn(search.toString('utf8', 2, blank)),
    start,
    end: Math.max(start, end),
    from: at,
    to: following.at,
  };
}

/** The name of the form's field; a part that has none is nobody's. */
function nameIn(headers: string): string {
  const lines = headers.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  const disposition = lines.find((line) => /^content-disposition[ \t]*:/i.test(line)) ?? ':';
  const { value, parameters } = parseHeaderValue(disposition.slice(disposition.indexOf(':') + 1));
  return value === 'form-data' ? (parameters.get('name') ?? '') : '';
}

function malformed(why: string): RouterError {
  return new RouterError('invalid_parameter', `request body cannot be read as a form: ${why}`);
}
