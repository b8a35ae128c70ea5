import type { Ask, Message } from '../../../src/domain/ask.ts';
import { messages } from '../../../src/protocols/anthropic/operations.ts';
import type { Call } from '../../../src/protocols/call.ts';

/** A body as a client writes it: an object, or its text where that matters. */
export type Body = string | Readonly<Record<string, unknown>>;

const LEAST = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };

/** A request with these fields beside the ones that it must have. */
export function messagesCall(body: Body): Call {
  return messages.decode(Buffer.from(typeof body === 'string' ? body : JSON.stringify({ ...LEAST, ...body })));
}

/** What a request asks for, in no protocol's words. */
export function askOf(body: Body): Ask {
  const { translation } = messages;
  if (translation?.kind !== 'answer') throw new Error('messages are never translated');
  return translation.ask(messagesCall(body));
}

/** What a conversation becomes. */
export function conversationOf(...given: readonly object[]): readonly Message[] {
  return askOf({ messages: given }).messages;
}

/** A message that says these parts and nothing else. */
export function said(role: string, ...content: Message['content']): Message {
  return { role, content, reasoning: undefined, toolCalls: [], toolCallId: undefined, toolName: undefined };
}

export const words = (text: string) => ({ type: 'text', text }) as const;
