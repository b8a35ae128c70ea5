import { RouterError } from '../errors.ts';
import { Fields, type Reading } from './json/fields.ts';
import { JsonSyntaxError } from './json/scan.ts';

/** The fields of a request's body. Throws `invalid_json` where it is empty, no JSON or no object. */
export function readFields(body: Buffer, reading: Reading): Fields {
  if (body.length === 0) throw new RouterError('invalid_json', 'missing request body');
  try {
    return new Fields(body, 0, reading);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new RouterError(
      'invalid_json',
      `request body is not valid JSON at ${place(body, error.offset)}: ${error.message}`,
    );
  }
}

function place(body: Buffer, offset: number): string {
  let line = 1;
  let lineStart = 0;
  for (let at = body.indexOf(LINE_FEED); at !== -1 && at < offset; at = body.indexOf(LINE_FEED, at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return `line ${line} column ${offset - lineStart + 1}`;
}

const LINE_FEED = 0x0a;
