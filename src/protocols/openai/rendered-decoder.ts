import type { AnswerEvent } from '../../domain/answer.ts';
import type { Ask } from '../../domain/ask.ts';
import { asString, type JsonObject } from '../../domain/json.ts';
import { EndpointFailure } from '../../errors.ts';
import type { AnswerDecoder } from '../codec.ts';

/** Reads what llama-server's `/apply-template` answers: the prompt as the model would see it. */
export class RenderedDecoder implements AnswerDecoder {
  readonly #images: number;

  constructor({ messages }: Ask) {
    this.#images = messages.flatMap(({ content }) => content).filter(({ type }) => type !== 'text').length;
  }

  decode(record: JsonObject): AnswerEvent[] {
    const prompt = asString(record['prompt']);
    if (prompt === undefined) throw new EndpointFailure('invalid', 'sent no rendered prompt');
    return [{ type: 'rendered', prompt, images: this.#images }];
  }
}
