import assert from 'node:assert/strict';
import { type ErrorCode, RouterError } from '../../../src/errors.ts';

/** Asserts that a request is refused with this code, and that the message and `param` name the field. */
export function refuses(code: ErrorCode, field: string, act: () => unknown): void {
  assert.throws(
    act,
    (error) =>
      error instanceof RouterError &&
      error.code === code &&
      error.status === 400 &&
      error.message.includes(field) &&
      field.startsWith(error.details.param ?? '?'),
    `${code} that names ${field}`,
  );
}
