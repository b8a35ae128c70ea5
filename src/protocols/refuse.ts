import { RouterError } from '../errors.ts';

/** What the protocol's own server would refuse. */
export function invalid(param: string, message: string): RouterError {
  return new RouterError('invalid_parameter', message, { param });
}

/** What no translation has a place for: only an endpoint that has the client's route can be asked for it. */
export function unsupported(param: string, message = `${param} is not supported by this backend`): RouterError {
  return new RouterError('unsupported', message, { param });
}
