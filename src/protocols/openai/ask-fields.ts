import type { AskPart, RawJson, Sampling } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { invalid, unsupported } from '../refuse.ts';

/** What chat completions and completions call the sampling parameters. */
const SAMPLING: Readonly<Record<string, Exclude<keyof Sampling, 'stop'>>> = {
  max_tokens: 'maxTokens',
  num_ctx: 'contextLength',
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  min_p: 'minP',
  seed: 'seed',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  repeat_penalty: 'repeatPenalty',
};

/** Fields that both requests have, for the tables of those that are known. */
export const COMMON_FIELDS: readonly string[] = [
  ...Object.keys(SAMPLING),
  ...['model', 'stream', 'stream_options', 'stop', 'n', 'logprobs', 'logit_bias'],
];

/** Accounts of who asks, and hints: the answer is the same without them. */
const INERT = new Set([
  'user',
  'metadata',
  'store',
  'service_tier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'prediction',
  'verbosity',
  'keep_alive',
]);

/** The most alternatives per token that Ollama gives. */
const MAX_LOGPROBS = 20;

/** How to draw tokens. Ollama's own `/v1` overrides the model's temperature and top_p where the client says nothing. */
export function readSampling(fields: Fields): Sampling {
  const read: Record<string, RawJson> = { temperature: '1', topP: '1' };
  for (const [field, name] of Object.entries(SAMPLING)) {
    const value = fields.number(field);
    if (value !== undefined) read[name] = value;
  }
  const stop = stops(fields);
  return stop.length > 0 ? { ...read, stop } : read;
}

function stops(fields: Fields): string[] {
  if (fields.type('stop') !== 'string') return fields.strings('stop');
  return [fields.string('stop') ?? ''];
}

/** A number of alternatives per token. Throws `invalid_parameter` for one that Ollama refuses. */
export function alternatives(fields: Fields, field: string): number {
  const raw = fields.number(field) ?? '0';
  if (/^\d+$/.test(raw) && Number(raw) <= MAX_LOGPROBS) return Number(raw);
  throw invalid(field, `${field} must be between 0 and ${MAX_LOGPROBS}`);
}

/** Whether the client of a stream wants a record with token counts. */
export function wantsUsage(fields: Fields): boolean {
  return fields.object('stream_options', 'StreamOptions')?.boolean('include_usage') === true;
}

/** Throws `unsupported` for what both requests may ask of other endpoints; Ollama gives one answer. */
export function refuseCommon(fields: Fields): void {
  refuseSeveral(fields, 'n');
  if (!isEmpty(fields.raw('logit_bias'))) throw unsupported('logit_bias');
}

export function refuseSeveral(fields: Fields, field: string): void {
  if (Number(fields.number(field) ?? 1) !== 1)
    throw unsupported(field, `${field} other than 1 is not supported by this endpoint`);
}

/** The names of inert fields that the request has. Throws `unsupported` for one that no table knows. */
export function droppedFields(fields: Fields, known: ReadonlySet<string>): string[] {
  const dropped = strangers(fields, known);
  const unknown = dropped.find((name) => !INERT.has(name));
  if (unknown !== undefined) throw unsupported(unknown);
  return dropped;
}

/** The names of fields that are not known, each once; those that are null do not count, nor the router's own. */
export function strangers(fields: Fields, known: ReadonlySet<string>): string[] {
  const names = new Set(fields.members.map(({ key }) => key));
  return [...names].filter((name) => name !== 'nomyo' && !known.has(name) && fields.type(name) !== undefined);
}

export function isEmpty(raw: RawJson | undefined): boolean {
  return raw === undefined || /^(\[\s*\]|\{\s*\})$/.test(raw);
}

/** What OpenAI's clients call a part of an ask. */
export function fieldName(part: AskPart): string {
  return Object.entries(SAMPLING).find(([, name]) => name === part)?.[0] ?? OTHER_NAMES[part] ?? part;
}

const OTHER_NAMES: Readonly<Partial<Record<AskPart, string>>> = {
  toolChoice: 'tool_choice',
  parallelTools: 'parallel_tool_calls',
  think: 'reasoning_effort',
  reasoning: 'messages.reasoning',
  topLogprobs: 'top_logprobs',
};
