import { RouterError } from '../../errors.ts';

/** An image was not fetched: `what` says why, as a client may know it. */
export function unfetchable(what: string, cause?: unknown): RouterError {
  return new RouterError('invalid_parameter', `cannot fetch the image: ${what}`, { cause });
}
