import { RouterError } from '../../errors.ts';
import type { Fields } from '../json/fields.ts';
import { findMember, type Member, scanArray, scanObject } from '../json/scan.ts';

/** Where a value stands in a request's body. */
export type Place = Pick<Member, 'start' | 'end'>;

const QUOTE = 0x22;
const BRACE = 0x7b;

/** TEI's clients call the texts `texts` and want a bare array; all others say `documents`. */
export function isTei(fields: Fields): boolean {
  return fields.type('documents') === undefined && fields.type('texts') !== undefined;
}

/** Throws `invalid_parameter` where there is nothing to rank. */
export function checkTexts(fields: Fields): void {
  const field = isTei(fields) ? 'texts' : 'documents';
  if (fields.type(field) === 'array' && !fields.isEmptyArray(field, field)) return;
  throw new RouterError('invalid_parameter', `${field} must be an array that is not empty`, { param: field });
}

/** What is to be ranked, one after the other: texts, or objects that may hold one. */
export function documentsOf(fields: Fields): Place[] {
  const member = fields.member(isTei(fields) ? 'texts' : 'documents');
  return member === undefined ? [] : scanArray(fields.bytes, member.start);
}

/** Where the document's text stands; undefined where it has none. */
export function textIn(bytes: Buffer, document: Place): Place | undefined {
  if (bytes[document.start] === QUOTE) return document;
  if (bytes[document.start] !== BRACE) return undefined;
  const text = findMember(scanObject(bytes, document.start), 'text');
  return text !== undefined && bytes[text.start] === QUOTE ? text : undefined;
}

/** The JSON text that stands there. */
export function rawAt(bytes: Buffer, { start, end }: Place): string {
  return bytes.toString('utf8', start, end);
}
