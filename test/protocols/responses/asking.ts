import assert from 'node:assert/strict';
import type { Ask, Message } from '../../../src/domain/ask.ts';
import { RouterError } from '../../../src/errors.ts';
import type { Call } from '../../../src/protocols/call.ts';
import { responses } from '../../../src/protocols/responses/operations.ts';
import { responsesAsk } from '../../../src/protocols/responses/request.ts';

/** A request as a client writes it: its fields, or its text where that matters. */
export type Body = string | Readonly<Record<string, unknown>>;

export function callOf(body: Body): Call {
  const text = typeof body === 'string' ? body : JSON.stringify({ model: 'm', input: 'hi', ...body });
  return responses.decode(Buffer.from(text));
}

export function askOf(body: Body): Ask {
  return responsesAsk(callOf(body));
}

/** The messages of a request with these items. */
export function messagesOf(...input: readonly unknown[]): readonly Message[] {
  return askOf({ input }).messages;
}

/** The code, the field at fault and the text of what a request is refused with. */
export function refusalOf(body: Body): [string, string | undefined, string] {
  try {
    askOf(body);
  } catch (error) {
    assert.ok(error instanceof RouterError, `${error}`);
    assert.equal(error.status, 400);
    return [error.code, error.details.param, error.message];
  }
  assert.fail('nothing was refused');
}
