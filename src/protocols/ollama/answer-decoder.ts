import type { AnswerEvent } from '../../domain/answer.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { AnswerDecoder } from '../codec.ts';

export class NativeDecoder implements AnswerDecoder {
  decode(_record: JsonObject): AnswerEvent[] {
    return [];
  }
}
