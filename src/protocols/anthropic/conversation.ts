import { type Message, type Part, type ToolCall, textOf } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { invalid } from '../refuse.ts';
import { blockParts, blocksOf, partsOf } from './content.ts';
import { account } from './field-table.ts';

const MESSAGE = { read: ['role', 'content'], inert: ['cache_control'] };
const TOOL_USE = { read: ['type', 'id', 'name', 'input'], inert: ['cache_control', 'caller'] };
const TOOL_RESULT = { read: ['type', 'tool_use_id', 'content', 'is_error'], inert: ['cache_control'] };
const THINKING = { read: ['type', 'thinking', 'signature'], inert: ['cache_control'] };

const ROLES = ['user', 'assistant', 'system'];

/** What one message of the client says, sorted. */
interface Turn {
  readonly results: Message[];
  /** Tool messages carry text only. */
  readonly resultImages: Part[];
  readonly content: Part[];
  readonly thoughts: string[];
  readonly toolCalls: ToolCall[];
}

/** What is known of the conversation so far. */
interface Reading {
  /** Names of the called tools by the ids of their calls. */
  readonly toolNames: Map<string, string>;
  readonly dropped: Set<string>;
}

/** The system prompt and the messages. Adds to `dropped` what has no place in them; throws `RouterError`. */
export function conversation(fields: Fields, dropped: Set<string>): Message[] {
  const reading = { toolNames: new Map<string, string>(), dropped };
  const messages = fields.objects('messages', 'MessageParam');
  return [...systemMessages(fields, dropped), ...messages.flatMap((message) => messagesOf(message, reading))];
}

function systemMessages(fields: Fields, dropped: Set<string>): Message[] {
  const content = partsOf(blocksOf(fields, 'system'), 'system', dropped);
  if (content.some(({ type }) => type !== 'text')) throw invalid('system', 'system: only text is allowed');
  return content.length === 0 ? [] : [message('system', content)];
}

/** Results of tools come first, each as a message of its own. */
function messagesOf(given: Fields, reading: Reading): Message[] {
  account(given, MESSAGE, 'messages.', reading.dropped);
  const role = given.string('role') ?? '';
  if (!ROLES.includes(role)) throw invalid('messages', `messages: unexpected role ${JSON.stringify(role)}`);
  const turn = turnOf(blocksOf(given, 'content'), reading);
  const content = [...turn.resultImages, ...turn.content];
  const isSilent = content.length + turn.toolCalls.length + turn.thoughts.length === 0;
  if (isSilent && turn.results.length > 0) return turn.results;
  const reasoning = turn.thoughts.length > 0 ? turn.thoughts.join('\n') : undefined;
  return [...turn.results, { ...message(role, content), reasoning, toolCalls: turn.toolCalls }];
}

function turnOf(blocks: readonly Fields[] | string, reading: Reading): Turn {
  const turn: Turn = { results: [], resultImages: [], content: [], thoughts: [], toolCalls: [] };
  if (typeof blocks === 'string') turn.content.push(...partsOf(blocks, 'messages', reading.dropped));
  else for (const block of blocks) takeBlock(block, turn, reading);
  return turn;
}

function takeBlock(block: Fields, turn: Turn, reading: Reading): void {
  switch (block.string('type')) {
    case 'tool_use':
      turn.toolCalls.push(toolCall(block, reading));
      break;
    case 'tool_result':
      takeResult(block, turn, reading);
      break;
    case 'thinking':
      takeThought(block, turn, reading.dropped);
      break;
    case 'redacted_thinking':
      reading.dropped.add('messages.redacted_thinking');
      break;
    default:
      turn.content.push(...blockParts(block, 'messages', reading.dropped));
  }
}

function toolCall(block: Fields, { toolNames, dropped }: Reading): ToolCall {
  account(block, TOOL_USE, 'messages.', dropped);
  const id = required(block, 'id');
  const name = required(block, 'name');
  toolNames.set(id, name);
  const input = block.type('input');
  if (input !== undefined && input !== 'object') block.fail('input', input, 'map[string]interface {}');
  return { id, name, arguments: block.raw('input') ?? '{}' };
}

function takeResult(block: Fields, { results, resultImages }: Turn, { toolNames, dropped }: Reading): void {
  account(block, TOOL_RESULT, 'messages.', dropped);
  const toolCallId = required(block, 'tool_use_id');
  const parts = partsOf(blocksOf(block, 'content'), 'messages', dropped);
  const said = textOf(parts.filter(({ type }) => type === 'text'));
  // No other protocol has a mark for a tool that failed.
  const text = block.boolean('is_error') === true ? `Error: ${said}` : said;
  const content: Part[] = text === '' ? [] : [{ type: 'text', text }];
  results.push({ ...message('tool', content), toolCallId, toolName: toolNames.get(toolCallId) });
  resultImages.push(...parts.filter(({ type }) => type !== 'text'));
}

function takeThought(block: Fields, { thoughts }: Turn, dropped: Set<string>): void {
  account(block, THINKING, 'messages.', dropped);
  const thought = block.string('thinking') ?? '';
  if (thought !== '') thoughts.push(thought);
  // The router's own answers carry an empty one.
  if (!block.isEmptyText('signature')) dropped.add('messages.signature');
}

function required(block: Fields, key: string): string {
  const text = block.string(key) ?? '';
  if (text === '') throw invalid('messages', `messages: ${block.string('type')}.${key} is required`);
  return text;
}

function message(role: string, content: readonly Part[]): Message {
  return { role, content, reasoning: undefined, toolCalls: [], toolCallId: undefined, toolName: undefined };
}
