import type { AnswerPipe, Call, Operation } from '../call.ts';
import { HeldPipe } from '../held-pipe.ts';
import { Fields } from '../json/fields.ts';
import type { Edit } from '../json/splice.ts';
import { invalid, modelNotFound, modelRequired } from '../refuse.ts';
import { WholePipe } from '../whole-pipe.ts';
import { type FormPart, parseForm } from './multipart.ts';
import { PassingPipe } from './passing-pipe.ts';
import { readUsage } from './usage.ts';

/** Speech to text. */
export const transcriptions: Operation = operation('/v1/audio/transcriptions', [
  'ollama',
  'llama-server',
  'vllm',
  'openai',
]);

/** Speech to English text. */
export const translations: Operation = operation('/v1/audio/translations', ['vllm', 'openai']);

function operation(path: string, native: Operation['native']): Operation {
  const self: Operation = {
    protocol: 'openai',
    path,
    native,
    decode: (body, contentType) => decode(self, body, contentType),
    edits: (call) => partsOf(call, 'nomyo').map(({ from, to }) => ({ start: from, end: to, text: '' })),
    nameEdits: (call, name) => partsOf(call, 'model').map((part) => setPart(part, name)),
    verbatim: (_call, _endpoint, contentType) => pipeFor(contentType),
    unknownModel: modelNotFound,
  };
  return self;
}

function decode(operation: Operation, body: Buffer, contentType: string | undefined): Call {
  const parts = parseForm(body, contentType);
  const [model = '', another] = valuesOf(body, parts, 'model');
  if (model.trim() === '') throw modelRequired();
  // Servers do not agree on which one counts.
  if (another !== undefined) throw invalid('model', 'model is given more than once');
  if (!parts.some(({ name }) => name === 'file')) throw invalid('file', 'file is required');
  const streaming = valuesOf(body, parts, 'stream').some((value) => /^(true|1)$/i.test(value.trim()));
  const call = { operation, body, fields: NO_FIELDS, model, modelField: 'model', streaming, intent: 'answer' } as const;
  return contentType === undefined ? call : { ...call, contentType };
}

/** What a call of JSON has and a form has not. */
const NO_FIELDS = new Fields(Buffer.from('{}'), 0, { struct: 'TranscriptionRequest', foldCase: false });

/** Finds the parts anew: that takes less than keeping them would. */
function partsOf({ body, contentType }: Call, wanted: string): FormPart[] {
  return parseForm(body, contentType).filter(({ name }) => name === wanted);
}

function valuesOf(body: Buffer, parts: readonly FormPart[], wanted: string): string[] {
  return parts.filter(({ name }) => name === wanted).map(({ start, end }) => body.toString('utf8', start, end));
}

function setPart({ start, end }: FormPart, text: string): Edit {
  return { start, end, text };
}

/** Texts and subtitles are not looked at; JSON may say how many tokens it took, and shows whether it is whole. */
function pipeFor(contentType: string): AnswerPipe {
  if (contentType.startsWith('text/event-stream')) return new PassingPipe();
  if (!contentType.startsWith('application/json')) return WholePipe.opaque();
  return new HeldPipe((answer) => ({ answer, usage: readUsage(JSON.parse(answer.toString('utf8'))) }));
}
