import type { Message, Part, ToolCall } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { invalid, unsupported } from '../refuse.ts';
import { strangers } from './ask-fields.ts';
import { audioPart, imagePart } from './chat-ask-media.ts';

const ROLES: ReadonlyMap<string, string> = new Map([
  ['developer', 'system'],
  ['function', 'tool'],
]);

/** One message of a chat completion. Throws `RouterError`. */
export function readMessage(fields: Fields): Message {
  const given = fields.string('role') ?? '';
  if (given === '') throw invalid('messages', 'every message needs a role');
  if (fields.type('audio') !== undefined) throw unsupported('messages', 'audio of an earlier answer is not kept here');
  const role = ROLES.get(given) ?? given;
  return {
    role,
    content: [...content(fields), ...refusal(fields)],
    reasoning: fields.string('reasoning_content') || fields.string('reasoning') || undefined,
    toolCalls: [...fields.objects('tool_calls', 'ToolCall').map(toolCall), ...functionCall(fields)],
    toolCallId: fields.string('tool_call_id') || undefined,
    toolName: role === 'tool' ? fields.string('name') || undefined : undefined,
  };
}

const KNOWN = new Set([
  ...['role', 'content', 'refusal', 'reasoning', 'reasoning_content', 'tool_calls', 'function_call', 'tool_call_id'],
]);
const KNOWN_OF_RESULTS = new Set([...KNOWN, 'name']);

const KNOWN_OF_PARTS = new Set(['type', 'text', 'refusal', 'image_url', 'input_audio']);

/** What is left out of the messages, by its name. Clients send back whatever servers said, so an unknown field is no error. */
export function droppedOf(messages: readonly Fields[]): string[] {
  const names = messages.flatMap((fields) => {
    const isResult = ['tool', 'function'].includes(fields.string('role') ?? '');
    return strangers(fields, isResult ? KNOWN_OF_RESULTS : KNOWN);
  });
  const parts = messages.flatMap((fields) =>
    fields.type('content') === 'array' ? fields.objects('content', 'ContentPart') : [],
  );
  const ofParts = parts.flatMap((fields) => strangers(fields, KNOWN_OF_PARTS)).map((name) => `content.${name}`);
  return [...new Set([...names, ...ofParts])].map((name) => `messages.${name}`);
}

function content(fields: Fields): Part[] {
  const type = fields.type('content');
  if (type === 'array') return fields.objects('content', 'ContentPart').map(part);
  return textParts(fields.string('content'));
}

/** What a model said it would not do it still said. */
function refusal(fields: Fields): Part[] {
  return textParts(fields.string('refusal'));
}

function textParts(text: string | undefined): Part[] {
  return text === undefined || text === '' ? [] : [{ type: 'text', text }];
}

function part(fields: Fields): Part {
  const type = fields.string('type') ?? '';
  switch (type) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: fields.string(type) ?? '' };
    case 'image_url':
      return imagePart(fields);
    case 'input_audio':
      return audioPart(fields);
    default:
      throw unsupported('messages', `content of type ${JSON.stringify(type)} is not supported by this endpoint`);
  }
}

function toolCall(fields: Fields): ToolCall {
  const type = fields.string('type') ?? 'function';
  if (type !== 'function')
    throw unsupported('messages', `tool calls of type ${JSON.stringify(type)} are not supported by this endpoint`);
  const called = fields.object('function', 'ToolCallFunction');
  return { id: fields.string('id') || undefined, ...calledFunction(called) };
}

/** The form before there were tool calls. */
function functionCall(fields: Fields): ToolCall[] {
  const called = fields.object('function_call', 'FunctionCall');
  return called === undefined ? [] : [{ id: undefined, ...calledFunction(called) }];
}

/** Some clients send the object where OpenAI has its text. */
function calledFunction(called: Fields | undefined): Pick<ToolCall, 'name' | 'arguments'> {
  const given = called?.type('arguments') === 'object' ? called.raw('arguments') : called?.string('arguments');
  return { name: called?.string('name') ?? '', arguments: given ?? '' };
}
