import { RouterError } from '../../errors.ts';

/** What OpenAI itself would refuse. */
export function invalid(param: string, message: string): RouterError {
  return new RouterError('invalid_parameter', message, { param });
}

/** What can be asked only of an endpoint that has the route. */
export function unsupported(param: string, message = `${param} is not supported by this backend`): RouterError {
  return new RouterError('unsupported', message, { param });
}
