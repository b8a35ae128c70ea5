import type { Ask, Format, Message, Part, RawJson, Think, ToolCall } from '../../domain/ask.ts';
import type { Call } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { invalid, unsupported } from '../refuse.ts';
import { goDurationError, parseGoDuration } from './duration.ts';
import { sampling, unknownOptions } from './options.ts';

/** Decodes `/api/chat` in full, for endpoints that do not speak Ollama's protocol. */
export function chatAsk({ fields, streaming }: Call): Ask {
  return {
    kind: 'chat',
    streaming,
    messages: fields.objects('messages', 'Message').map(message),
    prompt: '',
    suffix: '',
    tools: tools(fields),
    ...common(fields, CHAT_FIELDS),
  };
}

/** Decodes `/api/generate`: a chat of one turn, unless the prompt is raw or text is to be filled in before a suffix. */
export function generateAsk({ fields, streaming }: Call): Ask {
  refuseRawMixture(fields);
  for (const key of ['template', 'context']) if (isSet(fields, key)) throw unsupported(key);
  const prompt = fields.string('prompt') ?? '';
  const suffix = fields.string('suffix') ?? '';
  const kind = suffix !== '' ? 'infill' : fields.boolean('raw') === true ? 'completion' : 'chat';
  // Only a chat has a place for them.
  if (kind !== 'chat' && isSet(fields, 'images'))
    throw unsupported('images', 'images are not supported together with raw or suffix by this backend');
  const system = fields.string('system') ?? '';
  const turn = { ...EMPTY_MESSAGE, role: 'user', content: content(prompt, images(fields)) };
  const messages = system === '' ? [turn] : [{ ...EMPTY_MESSAGE, role: 'system', content: content(system, []) }, turn];
  // One prompt is never cut; not to want that is no loss.
  const met = fields.type('truncate') === 'bool' && fields.boolean('truncate') === false ? ['truncate'] : [];
  const known = new Set([...(kind === 'infill' ? INFILL_FIELDS : GENERATE_FIELDS), ...met]);
  return { kind, streaming, messages, prompt, suffix, tools: undefined, ...common(fields, known) };
}

/** The request wants to see its prompt as the model would, and no answer. */
export function isRenderOnly(fields: Fields): boolean {
  return fields.boolean('_debug_render_only') === true;
}

/** Seconds that the model is to stay loaded; undefined where the request does not say. */
export function keepAlive(fields: Fields): number | undefined {
  const type = fields.type('keep_alive');
  if (type === undefined) return undefined;
  if (type === 'number') return Number(fields.number('keep_alive'));
  if (type !== 'string') throw invalid('keep_alive', `Unsupported type: '${GO_TYPES[type] ?? type}'`);
  const text = fields.string('keep_alive') ?? '';
  const error = goDurationError(text);
  if (error !== undefined) throw invalid('keep_alive', error);
  return parseGoDuration(text);
}

/** What Go prints for a decoded value. */
const GO_TYPES: Readonly<Record<string, string>> = { array: '[]interface {}', object: 'map[string]interface {}' };

const EMPTY_MESSAGE: Omit<Message, 'role' | 'content'> = {
  reasoning: undefined,
  toolCalls: [],
  toolCallId: undefined,
  toolName: undefined,
};

function message(fields: Fields): Message {
  return {
    role: (fields.string('role') ?? '').toLowerCase(),
    content: content(fields.string('content') ?? '', images(fields)),
    reasoning: said(fields, 'thinking'),
    toolCalls: fields.objects('tool_calls', 'ToolCall').map(toolCall),
    toolCallId: said(fields, 'tool_call_id'),
    toolName: said(fields, 'tool_name') ?? said(fields, 'name'),
  };
}

/** The text comes first. */
function content(text: string, media: readonly string[]): Part[] {
  const parts: Part[] = media.map((base64) => ({ type: 'media', base64 }));
  return text === '' ? parts : [{ type: 'text', text }, ...parts];
}

/** Base64 and nothing else: a URL or the name of a file must reach no endpoint that would open it. */
function images(fields: Fields): string[] {
  const all = fields.strings('images', '[]api.ImageData');
  for (const image of all) {
    const at = image.search(/[^A-Za-z0-9+/=\r\n]/);
    if (at !== -1) throw invalid('images', `illegal base64 data at input byte ${at}`);
  }
  // Go's decoder reads across line breaks, others stop there.
  return all.map((image) => (/[\r\n]/.test(image) ? image.replace(/[\r\n]+/g, '') : image));
}

/** A text that says something: Go's clients write fields without a value as empty texts. */
function said(fields: Fields, key: string): string | undefined {
  return fields.string(key) || undefined;
}

function tools(fields: Fields): RawJson | undefined {
  const type = fields.type('tools');
  if (type !== undefined && type !== 'array') fields.fail('tools', type, 'api.Tools');
  return isSet(fields, 'tools') ? fields.raw('tools') : undefined;
}

/** Some clients send the arguments as OpenAI's string of JSON; Ollama's own form is the object. */
function toolCall(fields: Fields): ToolCall {
  const called = fields.object('function', 'ToolCallFunction', 'api.ToolCallFunction');
  const type = called?.type('arguments');
  if (called !== undefined && type !== undefined && type !== 'string' && type !== 'object')
    called.fail('arguments', type, 'map[string]interface {}');
  const given = type === 'string' ? called?.string('arguments') : called?.raw('arguments');
  return { id: said(fields, 'id'), name: called?.string('name') ?? '', arguments: given ?? '{}' };
}

type Common = 'format' | 'think' | 'sampling' | 'topLogprobs' | 'renderOnly' | 'dropped';

function common(fields: Fields, known: ReadonlySet<string>): Pick<Ask, Common> {
  keepAlive(fields);
  return {
    format: format(fields),
    think: think(fields),
    sampling: sampling(fields),
    topLogprobs: topLogprobs(fields),
    renderOnly: isRenderOnly(fields),
    dropped: [...unknownFields(fields, known), ...unknownInMessages(fields), ...unknownOptions(fields)],
  };
}

const COMMON_FIELDS = [
  'model',
  'stream',
  'format',
  'options',
  'think',
  'logprobs',
  'top_logprobs',
  '_debug_render_only',
];
/** `truncate` of a chat is the router's own business: see the recovery. */
const CHAT_FIELDS = new Set([...COMMON_FIELDS, 'messages', 'tools', 'truncate']);
const GENERATE_FIELDS = new Set([
  ...COMMON_FIELDS,
  ...['prompt', 'suffix', 'system', 'template', 'context', 'raw', 'images'],
]);

const MESSAGE_FIELDS = new Set([
  'role',
  'content',
  'images',
  'thinking',
  'tool_calls',
  'tool_name',
  'name',
  'tool_call_id',
]);

function unknownInMessages(fields: Fields): string[] {
  const messages = fields.type('messages') === undefined ? [] : fields.objects('messages', 'Message');
  return messages.flatMap((message) => unknownFields(message, MESSAGE_FIELDS).map((name) => `messages.${name}`));
}

/** Text before a suffix has no system to speak to. */
const INFILL_FIELDS = new Set([...GENERATE_FIELDS].filter((name) => name !== 'system'));

/** Ollama itself passes over fields that it does not know; `nomyo` is the router's own. */
export function unknownFields(fields: Fields, known: ReadonlySet<string>): string[] {
  const names = fields.members.map(({ key }) => key.toLowerCase());
  return names.filter((name) => name !== 'nomyo' && !known.has(name) && isSet(fields, name));
}

function format(fields: Fields): Format | undefined {
  const type = fields.type('format');
  if (type === undefined) return undefined;
  const raw = fields.raw('format') ?? '';
  if (type === 'object') return { kind: 'schema', schema: raw };
  const name = type === 'string' ? fields.string('format') : undefined;
  if (name === '') return undefined;
  if (name === 'json') return { kind: 'json' };
  throw invalid('format', `invalid format: ${raw}; expected "json" or a JSON schema`);
}

function think(fields: Fields): Think | undefined {
  const type = fields.type('think');
  if (type === undefined) return undefined;
  if (type === 'bool') return fields.boolean('think');
  const level = type === 'string' ? fields.string('think') : undefined;
  if (level === 'low' || level === 'medium' || level === 'high' || level === 'max') return level;
  const wanted = 'must be "high", "medium", "low", "max", true, or false';
  throw invalid('think', `invalid think value: ${fields.raw('think')} (${wanted})`);
}

function topLogprobs(fields: Fields): number | undefined {
  const raw = fields.number('top_logprobs', 'int') ?? '0';
  if (!/^-?\d+$/.test(raw)) fields.fail('top_logprobs', `number ${raw}`, 'int');
  const top = Number(raw);
  if (top < 0 || top > 20) throw invalid('top_logprobs', 'top_logprobs must be between 0 and 20');
  return fields.boolean('logprobs') === true ? top : undefined;
}

function refuseRawMixture(fields: Fields): void {
  if (fields.boolean('raw') !== true) return;
  if (!['template', 'system', 'context'].some((key) => isSet(fields, key))) return;
  throw invalid('raw', 'raw mode does not support template, system, or context');
}

function isSet(fields: Fields, key: string): boolean {
  const raw = fields.raw(key);
  return raw !== undefined && raw !== '""' && !/^\[\s*\]$/.test(raw);
}
