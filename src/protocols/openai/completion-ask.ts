import type { Ask } from '../../domain/ask.ts';
import type { Call } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { scanArray } from '../json/scan.ts';
import { unsupported } from '../refuse.ts';
import { alternatives, COMMON_FIELDS, droppedFields, readSampling, refuseCommon, refuseSeveral } from './ask-fields.ts';

const QUOTE = 0x22;

/** Decodes `/v1/completions` in full, for an Ollama that does not have it. Throws `RouterError`. */
export function completionAsk({ fields, streaming }: Call): Ask {
  refuseCommon(fields);
  refuseSeveral(fields, 'best_of');
  if (fields.boolean('echo') === true) throw unsupported('echo');
  const suffix = fields.string('suffix') ?? '';
  return {
    kind: suffix === '' ? 'completion' : 'infill',
    streaming,
    messages: [],
    prompt: prompt(fields),
    suffix,
    tools: undefined,
    format: undefined,
    think: undefined,
    sampling: readSampling(fields),
    topLogprobs: fields.type('logprobs') === undefined ? undefined : alternatives(fields, 'logprobs'),
    dropped: droppedFields(fields, KNOWN),
  };
}

const KNOWN = new Set([...COMMON_FIELDS, 'prompt', 'suffix', 'best_of', 'echo']);

/**
 * Where the one text stands that a list of prompts consists of; undefined where the prompt is no list. Throws
 * `unsupported` for what an Ollama cannot be asked: several texts, or tokens by their numbers.
 */
export function onlyPrompt(fields: Fields): { readonly start: number; readonly end: number } | undefined {
  const member = fields.member('prompt');
  if (member === undefined || fields.type('prompt') !== 'array') return undefined;
  const [only, ...more] = scanArray(fields.bytes, member.start);
  if (only !== undefined && more.length === 0 && fields.bytes[only.start] === QUOTE) return only;
  throw unsupported('prompt', 'prompt other than one text is not supported by this endpoint');
}

function prompt(fields: Fields): string {
  return (onlyPrompt(fields) === undefined ? fields.string('prompt') : fields.strings('prompt')[0]) ?? '';
}
