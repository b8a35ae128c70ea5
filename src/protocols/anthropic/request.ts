import type { Ask, AskPart, RawJson, Sampling } from '../../domain/ask.ts';
import type { Call } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { conversation } from './conversation.ts';
import { account } from './field-table.ts';
import { output } from './output.ts';
import { toolUse } from './tools.ts';

/** Numbers of the request that say how to draw tokens. */
const NUMBERS = { max_tokens: 'maxTokens', temperature: 'temperature', top_p: 'topP', top_k: 'topK' } as const;

/** `nomyo` is the router's own. */
const REQUEST = {
  read: [
    ...['nomyo', 'model', 'messages', 'system', 'stream', 'stop_sequences', ...Object.keys(NUMBERS)],
    ...['tools', 'tool_choice', 'thinking', 'output_config', 'output_format'],
  ],
  inert: [
    ...['metadata', 'service_tier', 'cache_control', 'context_management', 'speed', 'user_profile_id'],
    ...['betas', 'anthropic_beta', 'anthropic_version'],
  ],
};

/** Decodes a request in full, for endpoints that do not have the route. Throws `RouterError`. */
export function messagesAsk({ fields, streaming }: Call): Ask {
  const dropped = new Set<string>();
  account(fields, REQUEST, '', dropped);
  const said = {
    messages: conversation(fields, dropped),
    ...toolUse(fields, dropped),
    ...output(fields, dropped),
  };
  const chat = { kind: 'chat', streaming, prompt: '', suffix: '', topLogprobs: undefined } as const;
  return { ...chat, ...said, sampling: sampling(fields), dropped: [...dropped] };
}

function sampling(fields: Fields): Sampling {
  const read: Record<string, RawJson> = {};
  for (const [name, part] of Object.entries(NUMBERS)) {
    const value = fields.number(name);
    if (value !== undefined) read[part] = value;
  }
  const stop = fields.strings('stop_sequences');
  return stop.length > 0 ? { ...read, stop } : read;
}

/** What Anthropic's clients call a part of an ask; parts that they cannot ask for keep the router's name. */
export function nameOf(part: AskPart): string {
  return NAMES[part] ?? part;
}

const NAMES: Readonly<Partial<Record<AskPart, string>>> = {
  maxTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  stop: 'stop_sequences',
  think: 'thinking',
  reasoning: 'messages.thinking',
  toolChoice: 'tool_choice',
  parallelTools: 'tool_choice.disable_parallel_tool_use',
};
