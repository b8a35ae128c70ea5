import type { Ask, Format, RawJson, Sampling, Think, ToolChoice } from '../../domain/ask.ts';
import type { Call } from '../call.ts';
import { thinkOf } from '../effort.ts';
import type { Fields } from '../json/fields.ts';
import { invalid, unsupported } from '../refuse.ts';
import {
  alternatives,
  COMMON_FIELDS,
  droppedFields,
  isEmpty,
  readSampling,
  refuseCommon,
  strangers,
} from './ask-fields.ts';
import { droppedOf, readMessage } from './chat-ask-messages.ts';

/** Decodes `/v1/chat/completions` in full, for an Ollama that does not have it. Throws `RouterError`. */
export function chatAsk({ fields, streaming }: Call): Ask {
  refuseCommon(fields);
  refuseOtherForms(fields);
  const messages = fields.objects('messages', 'Message');
  if (messages.length === 0) throw invalid('messages', "[] is too short - 'messages'");
  return {
    kind: 'chat',
    streaming,
    messages: messages.map(readMessage),
    prompt: '',
    suffix: '',
    tools: tools(fields),
    toolChoice: toolChoice(fields),
    parallelTools: fields.boolean('parallel_tool_calls'),
    format: format(fields),
    think: think(fields),
    sampling: sampling(fields),
    topLogprobs: topLogprobs(fields),
    dropped: [...droppedFields(fields, KNOWN), ...droppedReasoning(fields), ...droppedOf(messages)],
  };
}

const KNOWN = new Set([
  ...COMMON_FIELDS,
  ...['messages', 'max_completion_tokens', 'modalities', 'response_format', 'reasoning', 'reasoning_effort'],
  ...['tools', 'tool_choice', 'parallel_tool_calls', 'top_logprobs', 'functions'],
]);

/** Clients of the old functions would not find their call in the answer. */
function refuseOtherForms(fields: Fields): void {
  if (!isEmpty(fields.raw('functions'))) throw unsupported('functions');
  const form = fields.strings('modalities').find((one) => one !== 'text');
  if (form !== undefined) throw unsupported('modalities', `modality "${form}" is not supported by this endpoint`);
}

function sampling(fields: Fields): Sampling {
  const limit = fields.number('max_completion_tokens');
  return { ...readSampling(fields), ...(limit !== undefined && { maxTokens: limit }) };
}

function topLogprobs(fields: Fields): number | undefined {
  const top = alternatives(fields, 'top_logprobs');
  return fields.boolean('logprobs') === true ? top : undefined;
}

function think(fields: Fields): Think | undefined {
  const within = fields.object('reasoning', 'Reasoning')?.string('effort');
  return thinkOf(within || fields.string('reasoning_effort'), 'reasoning_effort');
}

function droppedReasoning(fields: Fields): string[] {
  const reasoning = fields.object('reasoning', 'Reasoning');
  if (reasoning === undefined) return [];
  return strangers(reasoning, new Set(['effort'])).map((name) => `reasoning.${name}`);
}

function format(fields: Fields): Format | undefined {
  const given = fields.object('response_format', 'ResponseFormat');
  const type = given?.string('type') ?? 'text';
  if (given === undefined || type === 'text') return undefined;
  if (type === 'json_object') return { kind: 'json' };
  if (type !== 'json_schema')
    throw unsupported('response_format', `response_format of type "${type}" is not supported by this endpoint`);
  const named = given.object('json_schema', 'JsonSchema');
  const schema = named?.object('schema', 'JsonSchema') && named.raw('schema');
  if (named === undefined || schema === undefined)
    throw invalid('response_format', "Missing required parameter: 'response_format.json_schema.schema'");
  const [name, description, strict] = [named.string('name'), named.string('description'), named.boolean('strict')];
  return { kind: 'schema', schema, name, description, strict };
}

function tools(fields: Fields): RawJson | undefined {
  const given = fields.objects('tools', 'Tool');
  for (const tool of given) refuseOtherType('tools', tool);
  return given.length > 0 ? fields.raw('tools') : undefined;
}

function toolChoice(fields: Fields): ToolChoice | undefined {
  const type = fields.type('tool_choice');
  if (type === undefined) return undefined;
  if (type === 'object') return namedTool(fields.object('tool_choice', 'ToolChoice'));
  const choice = fields.string('tool_choice');
  if (choice === 'none' || choice === 'auto' || choice === 'required') return choice;
  throw invalid('tool_choice', `invalid tool_choice: ${fields.raw('tool_choice')}`);
}

function namedTool(choice: Fields | undefined): ToolChoice {
  if (choice !== undefined) refuseOtherType('tool_choice', choice);
  const name = choice?.object('function', 'ToolFunction')?.string('name');
  if (name === undefined) throw invalid('tool_choice', "Missing required parameter: 'tool_choice.function.name'");
  return { name };
}

/** Other tools than functions are the server's own. */
function refuseOtherType(param: string, fields: Fields): void {
  const type = fields.string('type') ?? 'function';
  if (type !== 'function') throw unsupported(param, `${param} of type "${type}" is not supported by this endpoint`);
}
