import { RouterError } from '../../errors.ts';
import type { Call } from '../../protocols/call.ts';

/** Tells a model that no endpoint has in the words of the operation, for which clients look; any other error as it is. */
export function inWordsOf({ operation, model }: Call, error: unknown): unknown {
  if (!(error instanceof RouterError) || error.code !== 'model_not_found') return error;
  return operation.unknownModel(model);
}
