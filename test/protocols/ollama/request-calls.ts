import type { Ask } from '../../../src/domain/ask.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import type { Call, Operation } from '../../../src/protocols/call.ts';
import { chat, generate } from '../../../src/protocols/ollama/operations.ts';
import { encodeAsk } from '../../../src/protocols/openai/request.ts';

/** The kinds of endpoint that a request is translated for: L, V and O of contract 4.2. */
export const KINDS = ['llama-server', 'vllm', 'openai'] as const;
export type Kind = (typeof KINDS)[number];

/** A body as a client writes it: an object, or its text where that matters. */
type Body = string | Readonly<Record<string, unknown>>;

export function decode(operation: Operation, body: Body): Call {
  return operation.decode(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
}

export function chatCall(body: Body): Call {
  return decode(
    chat,
    typeof body === 'string' ? body : { model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body },
  );
}

export function generateCall(body: Body): Call {
  return decode(generate, typeof body === 'string' ? body : { model: 'm', prompt: 'hi', ...body });
}

export function askOf(call: Call): Ask {
  const { translation } = call.operation;
  if (translation?.kind !== 'answer') throw new Error('the operation is never translated');
  return translation.ask(call);
}

/** The request's text for an endpoint of this kind, which calls the model `upstream-id`. */
export function sent(call: Call, kind: Kind): string {
  return encodeAsk(askOf(call), 'upstream-id', kind).body;
}

/** The same, parsed. */
export function sentTo(kind: Kind, call: Call): JsonObject {
  return JSON.parse(sent(call, kind));
}

/** What a chat of these messages becomes. */
export function messagesTo(kind: Kind, messages: readonly object[]): JsonObject[] {
  const found = sentTo(kind, chatCall({ messages }))['messages'];
  return found as JsonObject[];
}
