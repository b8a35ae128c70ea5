import { RouterError } from '../errors.ts';

/** What the protocol's own server would refuse. */
export function invalid(param: string, message: string): RouterError {
  return new RouterError('invalid_parameter', message, { param });
}

/** What no translation has a place for: only an endpoint that has the client's route can be asked for it. */
export function unsupported(param: string, message = `${param} is not supported by this backend`): RouterError {
  return new RouterError('unsupported', message, { param });
}

export function modelRequired(): RouterError {
  return new RouterError('model_required', 'model is required', { param: 'model' });
}

/** For a model that no endpoint has. */
export function modelNotFound(model: string): RouterError {
  return new RouterError('model_not_found', `model '${model}' not found`, { param: 'model' });
}

/** For endpoints that fetch nothing, or from inside one's own network; what may be fetched for them was fetched before. */
export function noImageUrl(): RouterError {
  return unsupported('messages', 'image URLs are not fetched for this endpoint: send the image itself, as base64');
}
