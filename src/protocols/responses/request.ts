import type { Ask } from '../../domain/ask.ts';
import type { Call } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { unsupported } from '../refuse.ts';
import { readConversation } from './input.ts';
import { leftOver, REASONING_FIELDS, REQUEST_FIELDS, TEXT_FIELDS } from './left-over.ts';
import { readFormat, readSampling, readThink, readTopLogprobs, unknownInclusions } from './settings.ts';
import { readToolChoice, readTools } from './tools.ts';

/** Decodes a request in full, for endpoints that do not have the route. Throws `RouterError`. */
export function responsesAsk({ fields, streaming }: Call): Ask {
  const [stored] = storedParts(fields);
  if (stored !== undefined) throw unsupported(stored);
  if (fields.boolean('background') === true) throw unsupported('background');
  const dropped = droppedFields(fields);
  const conversation = readConversation(fields);
  const tools = readTools(fields);
  return {
    kind: 'chat',
    streaming,
    messages: conversation.messages,
    prompt: '',
    suffix: '',
    tools: tools.json,
    toolChoice: readToolChoice(fields, tools.json),
    parallelTools: fields.boolean('parallel_tool_calls'),
    format: readFormat(fields),
    think: readThink(fields),
    sampling: readSampling(fields),
    topLogprobs: readTopLogprobs(fields),
    dropped: [...dropped, ...conversation.dropped, ...tools.dropped],
  };
}

/** Fields that stand for something which only the server that keeps it knows. */
export function storedParts(fields: Fields): string[] {
  return ['previous_response_id', 'conversation', 'prompt'].filter((key) => (fields.raw(key) ?? '""') !== '""');
}

function droppedFields(fields: Fields): string[] {
  const text = fields.object('text', 'ResponsesText');
  const reasoning = fields.object('reasoning', 'ResponsesReasoning');
  return [
    ...leftOver(fields, REQUEST_FIELDS),
    ...(text === undefined ? [] : leftOver(text, TEXT_FIELDS, 'text.')),
    ...(reasoning === undefined ? [] : leftOver(reasoning, REASONING_FIELDS, 'reasoning.')),
    ...unknownInclusions(fields),
  ];
}
