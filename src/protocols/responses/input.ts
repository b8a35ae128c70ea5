import type { Message, Part, RawJson, ToolCall } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { invalid, unsupported } from '../refuse.ts';
import { argumentsObject } from '../tool-arguments.ts';
import { readContent } from './content.ts';
import { readReasoning } from './reasoning.ts';

/** The conversation of a request, and what of it has no place there. */
export interface Conversation {
  readonly messages: readonly Message[];
  readonly dropped: readonly string[];
}

/** Reads `instructions` and `input`. Throws `RouterError`. */
export function readConversation(fields: Fields): Conversation {
  const turns = new Turns();
  const instructions = fields.string('instructions') ?? '';
  if (instructions !== '') turns.say('system', [{ type: 'text', text: instructions }]);
  if (fields.type('input') === 'string') turns.say('user', [{ type: 'text', text: fields.string('input') ?? '' }]);
  else
    fields.objects('input', 'ResponsesInputItem').forEach((item, place) => {
      readItem(turns, item, `input[${place}]`);
    });
  turns.end();
  return turns;
}

/** A message that may still get calls. */
interface Draft extends Message {
  reasoning: string | undefined;
  readonly content: Part[];
  readonly toolCalls: ToolCall[];
}

/** Gathers items into messages: what a model said in one turn is several items and one message. */
class Turns implements Conversation {
  readonly messages: Draft[] = [];
  readonly dropped: string[] = [];
  /** Reasoning that the message after it is to have. */
  #thoughts: string[] = [];
  /** Images that functions gave back: tool messages carry text alone, and results stand together. */
  #shown: Part[] = [];
  readonly #calledNames = new Map<string, string>();

  /** Between calls and their results no other message may stand: a text that does joins the calls. */
  say(role: string, content: readonly Part[]): void {
    this.#show();
    const last = this.messages.at(-1);
    if (role !== 'assistant') this.#add(role);
    else if (last?.role !== 'assistant' || last.toolCalls.length === 0) this.#add(role);
    this.messages.at(-1)?.content.push(...content);
    this.#think(role);
  }

  call(id: string, name: string, json: RawJson): void {
    this.#show();
    if (this.messages.at(-1)?.role !== 'assistant') this.#add('assistant');
    this.messages.at(-1)?.toolCalls.push({ id, name, arguments: json });
    this.#think('assistant');
    this.#calledNames.set(id, name);
  }

  answer(toolCallId: string, content: readonly Part[]): void {
    this.#add('tool', { toolCallId, toolName: this.#calledNames.get(toolCallId) });
    this.messages.at(-1)?.content.push(...content.filter(({ type }) => type === 'text'));
    this.#shown.push(...content.filter(({ type }) => type !== 'text'));
    this.#think('tool');
  }

  thought(text: string): void {
    this.#thoughts.push(text);
  }

  end(): void {
    this.#show();
    this.#think('');
  }

  #show(): void {
    if (this.#shown.length === 0) return;
    this.#add('user');
    this.messages.at(-1)?.content.push(...this.#shown);
    this.#shown = [];
  }

  #add(role: string, answered?: Pick<Message, 'toolCallId' | 'toolName'>): void {
    const empty = { content: [], reasoning: undefined, toolCalls: [] };
    this.messages.push({ role, ...empty, ...(answered ?? { toolCallId: undefined, toolName: undefined }) });
  }

  /** A message of nothing but reasoning would be an answer to be continued, or none at all. */
  #think(role: string): void {
    if (this.#thoughts.length === 0) return;
    const last = this.messages.at(-1);
    if (role !== 'assistant' || last === undefined) this.dropped.push('input.reasoning');
    else last.reasoning = [...(last.reasoning === undefined ? [] : [last.reasoning]), ...this.#thoughts].join('\n');
    this.#thoughts = [];
  }
}

/** The roles of messages; all models know `system`, few `developer`. */
const ROLES: ReadonlyMap<string, string> = new Map([
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['system', 'system'],
  ['developer', 'system'],
]);

type ReadItem = (turns: Turns, item: Fields, at: string) => void;

const READERS: ReadonlyMap<string, ReadItem> = new Map<string, ReadItem>([
  ['message', (turns, item, at) => turns.say(readRole(item, at), readContent(item, 'content', at))],
  [
    'function_call',
    (turns, item, at) => turns.call(required(item, 'call_id', at), required(item, 'name', at), readArguments(item, at)),
  ],
  [
    'function_call_output',
    (turns, item, at) => turns.answer(required(item, 'call_id', at), readContent(item, 'output', at)),
  ],
  ['reasoning', (turns, item) => readReasoning(item, turns)],
]);

/** What servers' own tools leave behind, and what stands for something that is kept elsewhere. */
const SERVER_ITEMS: ReadonlySet<string> = new Set([
  ...['item_reference', 'compaction', 'compaction_trigger', 'configuration_update', 'additional_tools'],
  ...['web_search_call', 'file_search_call', 'computer_call', 'computer_call_output', 'code_interpreter_call'],
  ...['image_generation_call', 'local_shell_call', 'local_shell_call_output', 'shell_call', 'shell_call_output'],
  ...['apply_patch_call', 'apply_patch_call_output', 'custom_tool_call', 'custom_tool_call_output'],
  ...['tool_search_call', 'tool_search_output', 'program', 'program_output'],
  ...['mcp_call', 'mcp_list_tools', 'mcp_approval_request', 'mcp_approval_response'],
]);

function readItem(turns: Turns, item: Fields, at: string): void {
  const type = item.string('type') ?? (item.type('role') === undefined ? '' : 'message');
  const read = READERS.get(type);
  for (const name of strangersOf(item)) turns.dropped.push(`input.${name}`);
  if (read !== undefined) read(turns, item, at);
  else if (type === '') throw invalid(at, `${at}: input item missing required 'type' field`);
  else if (SERVER_ITEMS.has(type)) throw unsupported(at, `${at}: ${type} items are not supported by this backend`);
  else throw invalid(at, `${at}: unknown input item type: ${JSON.stringify(type)}`);
}

/** What items and their parts may say; clients send back whatever servers said, so an unknown field is no error. */
const ITEM_FIELDS: ReadonlySet<string> = new Set([
  ...['type', 'id', 'status', 'role', 'content', 'phase', 'call_id', 'name', 'namespace', 'arguments', 'output'],
  ...['summary', 'encrypted_content', 'created_by'],
]);
const PART_FIELDS: ReadonlySet<string> = new Set([
  ...['type', 'text', 'refusal', 'annotations', 'logprobs', 'image_url', 'detail', 'file_id', 'input_audio'],
]);

function strangersOf(item: Fields): string[] {
  const parts = (['content', 'output'] as const).flatMap((key) =>
    item.type(key) === 'array' ? item.objects(key, 'ResponsesContent') : [],
  );
  const ofParts = parts.flatMap((part) => unknownIn(part, PART_FIELDS)).map((name) => `content.${name}`);
  return [...new Set([...unknownIn(item, ITEM_FIELDS), ...ofParts])];
}

function unknownIn(fields: Fields, known: ReadonlySet<string>): string[] {
  return fields.members.map(({ key }) => key).filter((key) => !known.has(key) && fields.type(key) !== undefined);
}

function readRole(item: Fields, at: string): string {
  const role = item.string('role') ?? '';
  const known = ROLES.get(role);
  if (known === undefined) throw invalid(at, `${at}: unknown role: ${JSON.stringify(role)}`);
  return known;
}

function required(item: Fields, key: string, at: string): string {
  const value = item.string(key) ?? '';
  if (value === '') throw invalid(at, `${at}: missing ${key}`);
  return value;
}

function readArguments(item: Fields, at: string): RawJson {
  const object = argumentsObject(item.string('arguments') ?? '');
  if (object === undefined) throw invalid(at, `${at}: invalid tool call arguments`);
  return object;
}
