import type { Ask, Format, Message, Sampling, Think, ToolCall } from '../../domain/ask.ts';
import { RouterError } from '../../errors.ts';
import type { Call } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { parseGoDuration } from './duration.ts';

/** Decodes `/api/chat` in full, for endpoints that do not speak Ollama's protocol. */
export function chatAsk({ fields, streaming }: Call): Ask {
  refuseRenderOnly(fields);
  return {
    kind: 'chat',
    streaming,
    messages: fields.objects('messages', 'Message').map(message),
    prompt: '',
    suffix: '',
    tools: fields.type('tools') === 'array' ? nonEmpty(fields.raw('tools')) : undefined,
    ...common(fields),
  };
}

/** Decodes `/api/generate`: a chat of one turn, unless the prompt is raw or text is to be filled in before a suffix. */
export function generateAsk({ fields, streaming }: Call): Ask {
  refuseRenderOnly(fields);
  for (const key of ['template', 'context']) if (isSet(fields, key)) throw unsupported(key);
  const prompt = fields.string('prompt') ?? '';
  const suffix = fields.string('suffix') ?? '';
  const kind = suffix !== '' ? 'infill' : fields.boolean('raw') === true ? 'completion' : 'chat';
  const system = fields.string('system') ?? '';
  const turn = { ...EMPTY_MESSAGE, role: 'user', content: prompt, media: fields.strings('images', '[]api.ImageData') };
  const messages = system === '' ? [turn] : [{ ...EMPTY_MESSAGE, role: 'system', content: system }, turn];
  return { kind, streaming, messages, prompt, suffix, tools: undefined, ...common(fields) };
}

/** Seconds that the model is to stay loaded; undefined where the request does not say. */
export function keepAlive(fields: Fields): number | undefined {
  const type = fields.type('keep_alive');
  if (type === undefined) return undefined;
  if (type === 'number') return Number(fields.number('keep_alive'));
  if (type !== 'string')
    throw new RouterError('invalid_parameter', `Unsupported type: '${type}'`, { param: 'keep_alive' });
  const text = fields.string('keep_alive') ?? '';
  const seconds = parseGoDuration(text);
  if (seconds === undefined)
    throw new RouterError('invalid_parameter', `time: invalid duration ${JSON.stringify(text)}`, {
      param: 'keep_alive',
    });
  return seconds;
}

const EMPTY_MESSAGE: Omit<Message, 'role' | 'content'> = {
  reasoning: undefined,
  media: [],
  toolCalls: [],
  toolCallId: undefined,
  toolName: undefined,
};

function message(fields: Fields): Message {
  return {
    role: (fields.string('role') ?? '').toLowerCase(),
    content: fields.string('content') ?? '',
    reasoning: fields.string('thinking'),
    media: fields.strings('images', '[]api.ImageData'),
    toolCalls: fields.objects('tool_calls', 'ToolCall').map(toolCall),
    toolCallId: fields.string('tool_call_id'),
    toolName: fields.string('tool_name') ?? fields.string('name'),
  };
}

/** Some clients send the arguments as OpenAI's string of JSON; Ollama's own form is the object. */
function toolCall(fields: Fields): ToolCall {
  const called = fields.object('function', 'ToolCallFunction', 'api.ToolCallFunction');
  const given = called?.type('arguments') === 'string' ? called.string('arguments') : called?.raw('arguments');
  return { id: fields.string('id'), name: called?.string('name') ?? '', arguments: given ?? '{}' };
}

function common(fields: Fields): Pick<Ask, 'format' | 'think' | 'sampling' | 'topLogprobs'> {
  keepAlive(fields);
  return { format: format(fields), think: think(fields), sampling: sampling(fields), topLogprobs: topLogprobs(fields) };
}

function format(fields: Fields): Format | undefined {
  const type = fields.type('format');
  if (type === undefined) return undefined;
  const raw = fields.raw('format') ?? '';
  if (type === 'object') return { kind: 'schema', schema: raw };
  if (raw === '""') return undefined;
  if (raw === '"json"') return { kind: 'json' };
  const wanted = 'expected "json" or a JSON schema';
  throw new RouterError('invalid_parameter', `invalid format: ${raw}; ${wanted}`, { param: 'format' });
}

function think(fields: Fields): Think | undefined {
  const type = fields.type('think');
  if (type === undefined) return undefined;
  if (type === 'bool') return fields.boolean('think');
  const level = type === 'string' ? fields.string('think') : undefined;
  if (level === 'low' || level === 'medium' || level === 'high' || level === 'max') return level;
  const message = `invalid think value: ${fields.raw('think')} (must be "high", "medium", "low", "max", true, or false)`;
  throw new RouterError('invalid_parameter', message, { param: 'think' });
}

function topLogprobs(fields: Fields): number | undefined {
  const top = Number(fields.number('top_logprobs', 'int') ?? 0);
  if (top < 0 || top > 20)
    throw new RouterError('invalid_parameter', 'top_logprobs must be between 0 and 20', { param: 'top_logprobs' });
  return fields.boolean('logprobs') === true ? top : undefined;
}

/** Ollama's option names that have a meaning elsewhere; the rest is fixed at an endpoint's start or gone. */
const OPTIONS: Readonly<Record<string, Exclude<keyof Sampling, 'stop'>>> = {
  num_predict: 'maxTokens',
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  min_p: 'minP',
  typical_p: 'typicalP',
  seed: 'seed',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  repeat_penalty: 'repeatPenalty',
  repeat_last_n: 'repeatLastN',
  num_keep: 'keep',
  mirostat: 'mirostat',
  mirostat_tau: 'mirostatTau',
  mirostat_eta: 'mirostatEta',
};

function sampling(fields: Fields): Sampling {
  const options = fields.object('options', 'Options');
  if (options === undefined) return {};
  const given: Record<string, string> = {};
  for (const [option, name] of Object.entries(OPTIONS)) {
    const value = options.number(option);
    if (value !== undefined) given[name] = value;
  }
  const stop = options.strings('stop');
  return stop.length > 0 ? { ...given, stop } : given;
}

function refuseRenderOnly(fields: Fields): void {
  if (fields.boolean('_debug_render_only') === true) throw unsupported('_debug_render_only');
}

function isSet(fields: Fields, key: string): boolean {
  const raw = fields.raw(key);
  return raw !== undefined && raw !== '""' && !/^\[\s*\]$/.test(raw);
}

function nonEmpty(array: string | undefined): string | undefined {
  return array === undefined || /^\[\s*\]$/.test(array) ? undefined : array;
}

function unsupported(key: string): RouterError {
  return new RouterError('unsupported', `${key} is not supported by this backend`, { param: key });
}
