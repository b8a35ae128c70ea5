import type { AskPart, Format, RawJson, Sampling, Think } from '../../domain/ask.ts';
import { thinkOf } from '../effort.ts';
import type { Fields } from '../json/fields.ts';
import { invalid } from '../refuse.ts';

const WITH_LOGPROBS = 'message.output_text.logprobs';
const WITH_ENCRYPTED = 'reasoning.encrypted_content';

/** How to draw tokens, the digits as the client wrote them. */
export function readSampling(fields: Fields): Sampling {
  const maxTokens = fields.number('max_output_tokens', 'int');
  if (maxTokens !== undefined && !/^[1-9]\d*$/.test(maxTokens))
    throw invalid('max_output_tokens', `invalid max_output_tokens: ${maxTokens}; expected an integer from 1 on`);
  const temperature = fields.number('temperature');
  const topP = fields.number('top_p');
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
  };
}

/** Undefined for plain text. */
export function readFormat(fields: Fields): Format | undefined {
  const format = fields.object('text', 'ResponsesText')?.object('format', 'ResponsesTextFormat');
  const type = format?.string('type');
  if (format === undefined || type === 'text') return undefined;
  if (type === 'json_object') return { kind: 'json' };
  const schema = format.raw('schema');
  if (type !== 'json_schema') throw invalid('text.format', `invalid text.format.type: ${JSON.stringify(type ?? '')}`);
  if (format.type('schema') !== 'object' || schema === undefined)
    throw invalid('text.format.schema', 'text.format.schema must be a JSON schema');
  const [name, description] = [format.string('name'), format.string('description')];
  return { kind: 'schema', schema, name, description, strict: format.boolean('strict') };
}

/** Undefined leaves it to the model. */
export function readThink(fields: Fields): Think | undefined {
  return thinkOf(fields.object('reasoning', 'ResponsesReasoning')?.string('effort'), 'reasoning.effort');
}

/** Alternatives per token; undefined: no log probabilities. */
export function readTopLogprobs(fields: Fields): number | undefined {
  const raw = fields.number('top_logprobs', 'int') ?? '0';
  const top = Number(raw);
  if (!/^\d+$/.test(raw) || top > 20)
    throw invalid('top_logprobs', `invalid top_logprobs: ${raw}; expected an integer from 0 to 20`);
  return top > 0 || fields.strings('include').includes(WITH_LOGPROBS) ? top : undefined;
}

/** The client keeps the conversation itself and wants reasoning in a form that it can send back. */
export function wantsEncryptedReasoning(fields: Fields): boolean {
  return fields.strings('include').includes(WITH_ENCRYPTED);
}

/** Inclusions that only servers with tools of their own can give. */
export function unknownInclusions(fields: Fields): string[] {
  return fields.strings('include').some((name) => name !== WITH_LOGPROBS && name !== WITH_ENCRYPTED) ? ['include'] : [];
}

/** Whether older turns may be left out; undefined where the client says nothing of it. */
export function mayTruncate(fields: Fields): boolean | undefined {
  const mode: RawJson | undefined = fields.raw('truncation');
  return mode === undefined ? undefined : mode === '"auto"';
}

const NAMES: Readonly<Partial<Record<AskPart, string>>> = {
  maxTokens: 'max_output_tokens',
  topP: 'top_p',
  think: 'reasoning.effort',
  reasoning: 'input.reasoning',
  topLogprobs: 'top_logprobs',
  toolChoice: 'tool_choice',
  parallelTools: 'parallel_tool_calls',
};

/** What clients of this API call a part of an ask. */
export function settingName(part: AskPart): string {
  return NAMES[part] ?? part;
}
