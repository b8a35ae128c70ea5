import type { Endpoint } from '../../domain/endpoint.ts';
import type { Call, Operation, Split } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { scanArray } from '../json/scan.ts';
import { type Edit, setValue, splice } from '../json/splice.ts';
import { wantsUsage } from './ask-fields.ts';
import { completionAsk, onlyPrompt } from './completion-ask.ts';
import { CompletionEncoder } from './completion-encoder.ts';
import { operation } from './operations.ts';
import { CompletionSeries } from './series.ts';

/** `/v1/completions`: continues a prompt, or several at once. */
export const completions: Operation = operation({
  path: '/v1/completions',
  struct: 'CompletionRequest',
  edits: promptEdit,
  prompts,
  split,
  ask: completionAsk,
  Encoder: CompletionEncoder,
});

/** Ollama takes a text and no list of them. */
function promptEdit({ fields }: Call, { kind }: Endpoint): Edit[] {
  const only = kind === 'ollama' ? onlyPrompt(fields) : undefined;
  const member = fields.member('prompt');
  if (only === undefined || member === undefined) return [];
  return [setValue(member, fields.bytes.toString('utf8', only.start, only.end))];
}

/** Ollama is asked for each text of a list by itself. */
function split(call: Call, { kind }: Endpoint): Split | undefined {
  const { fields } = call;
  const member = fields.member('prompt');
  if (kind !== 'ollama' || member === undefined || fields.type('prompt') !== 'array') return undefined;
  const elements = scanArray(fields.bytes, member.start);
  if (elements.length < 2 || !elements.every(({ start }) => fields.bytes[start] === QUOTE)) return undefined;
  return {
    count: elements.length,
    call(place) {
      const { start, end } = elements[place] ?? member;
      return completions.decode(splice(fields.bytes, [setValue(member, fields.bytes.toString('utf8', start, end))]));
    },
    series: new CompletionSeries(elements.length, call.streaming && wantsUsage(fields)),
  };
}

const QUOTE = 0x22;

/** A list is as many prompts as it has elements, unless those are tokens of one, by their numbers. */
function prompts(fields: Fields): number {
  const member = fields.member('prompt');
  if (member === undefined || fields.type('prompt') !== 'array') return 1;
  const elements = scanArray(fields.bytes, member.start);
  const isTokens = elements.some(({ start }) => /[-\d]/.test(String.fromCharCode(fields.bytes[start] ?? 0)));
  return isTokens ? 1 : Math.max(1, elements.length);
}
