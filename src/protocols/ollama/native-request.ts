import type { Ask } from '../../domain/ask.ts';
import { RouterError } from '../../errors.ts';
import type { EncodedAsk } from '../codec.ts';

export function encodeNative(_ask: Ask, _model: string): EncodedAsk {
  throw new RouterError('unsupported', 'not written yet');
}
