import { RouterError } from '../../errors.ts';
import { JsonSyntaxError } from './scan.ts';

/** What is read of a request's body; where that shows that it is no JSON after all, throws `invalid_json`. */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new RouterError('invalid_json', `request body is not valid JSON: ${error.message}`);
  }
}
