import type { TokenUsage } from '../domain/answer.ts';
import { asObject, type JsonObject } from '../domain/json.ts';
import { EndpointFailure, Refusal } from '../errors.ts';
import { errorOf } from './error-text.ts';
import { type Finished, HeldPipe } from './held-pipe.ts';

/** What an answer becomes for the client, and the tokens it cost. */
export interface Converted {
  readonly text: string;
  readonly usage: TokenUsage;
}

/** Turns an answer that comes whole into another whole one. */
export class ConvertedPipe extends HeldPipe {
  constructor(convert: (answer: JsonObject) => Converted, contentType = 'application/json; charset=utf-8') {
    super((answer) => finish(answer, convert), undefined, contentType);
  }
}

function finish(answer: Buffer, convert: (answer: JsonObject) => Converted): Finished {
  const object = asObject(JSON.parse(answer.toString('utf8')));
  if (object === undefined) throw new EndpointFailure('broken', 'ended the answer early');
  const failure = errorOf(object);
  if (failure !== undefined) throw new Refusal(500, failure);
  const { text, usage } = convert(object);
  return { answer: Buffer.from(text), usage };
}
