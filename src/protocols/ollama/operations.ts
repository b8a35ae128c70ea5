import type { Endpoint } from '../../domain/endpoint.ts';
import { namesTwoSources } from '../../domain/model-name.ts';
import { RouterError } from '../../errors.ts';
import { readFields } from '../body.ts';
import type { AnswerPipe, Call, Names, Operation, Translation } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { cutMembers } from '../json/splice.ts';
import { text } from '../json/write.ts';
import { renaming } from '../rename.ts';
import { WholePipe } from '../whole-pipe.ts';
import { acknowledgement, OllamaEncoder, type Shape } from './answer-encoder.ts';
import { NdjsonPipe } from './ndjson-pipe.ts';
import { chatAsk, generateAsk, keepAlive } from './request.ts';
import { readUsage } from './usage.ts';

export const chat: Operation = operation({
  path: '/api/chat',
  struct: 'ChatRequest',
  shape: 'chat',
  ask: chatAsk,
  requireModel,
  isEmpty: (fields) => fields.objects('messages', 'Message').length === 0,
});

export const generate: Operation = operation({
  path: '/api/generate',
  struct: 'GenerateRequest',
  shape: 'generate',
  ask: generateAsk,
  requireModel: () => new RouterError('model_not_found', "model '' not found", { param: 'model' }),
  isEmpty: (fields) => (fields.string('prompt') ?? '') === '',
});

/** `/api/show`: a question about a model. Clients name it in either field and leave the other one empty. */
export const show: Operation = {
  protocol: 'ollama',
  path: '/api/show',
  decode(body) {
    const fields = readFields(body, { struct: 'ShowRequest', foldCase: true });
    const modelField = (fields.string('model') ?? '') === '' ? 'name' : 'model';
    const model = fields.string(modelField) ?? '';
    if (model === '') throw requireModel();
    refuseTwoSources(model);
    return {
      operation: show,
      body,
      fields,
      model,
      modelField,
      streaming: false,
      intent: 'answer',
    };
  },
  edits: (call) => cutMembers(call.fields.members, 'nomyo'),
  verbatim,
};

interface Traits {
  readonly path: string;
  /** Go's name for the request, in the texts of type errors. */
  readonly struct: string;
  readonly shape: Shape;
  readonly ask: Translation['ask'];
  /** What an empty model name is answered with. */
  readonly requireModel: () => RouterError;
  /** The request has nothing to answer: it loads or unloads the model. */
  readonly isEmpty: (fields: Fields) => boolean;
}

function requireModel(): RouterError {
  return new RouterError('model_required', 'model is required', { param: 'model' });
}

function operation(traits: Traits): Operation {
  const self: Operation = {
    protocol: 'ollama',
    path: traits.path,
    decode: (body) => decode(self, traits, body),
    edits: (call) => cutMembers(call.fields.members, 'nomyo'),
    verbatim,
    translation: {
      ask: traits.ask,
      encoder: (call, now) => new OllamaEncoder(traits.shape, call.model, call.streaming, now),
      acknowledge: (call) => acknowledgement(traits.shape, call.model, call.intent === 'unload' ? 'unload' : 'load'),
    },
  };
  return self;
}

function decode(operation: Operation, traits: Traits, body: Buffer): Call {
  const fields = readFields(body, { struct: traits.struct, foldCase: true });
  const model = fields.string('model') ?? '';
  if (model === '') throw traits.requireModel();
  refuseTwoSources(model);
  const streaming = fields.boolean('stream') ?? true;
  return { operation, body, fields, model, modelField: 'model', streaming, intent: intent(fields, traits) };
}

function refuseTwoSources(model: string): void {
  if (!namesTwoSources(model)) return;
  const message = `use either :local or :cloud, not both: ${text(model)}`;
  throw new RouterError('invalid_parameter', message, { param: 'model' });
}

function intent(fields: Fields, { isEmpty }: Traits): Call['intent'] {
  if (!isEmpty(fields)) return 'answer';
  return keepAlive(fields) === 0 ? 'unload' : 'load';
}

function verbatim(_call: Call, _endpoint: Endpoint, contentType: string, names: Names): AnswerPipe {
  const rename = renaming(names);
  if (contentType.startsWith('application/x-ndjson')) return new NdjsonPipe(rename && eachLine(rename));
  return new WholePipe(readUsage, rename ?? ((answer) => answer));
}

/** Latin-1 stands for bytes here: what is not edited stays as it came, be it valid UTF-8 or not. */
function eachLine(edit: (json: Buffer) => Buffer): (lines: Buffer) => Buffer {
  return (lines) => {
    const edited = lines
      .toString('latin1')
      .split('\n')
      .map((line) => (line === '' ? '' : edit(Buffer.from(line, 'latin1')).toString('latin1')));
    return Buffer.from(edited.join('\n'), 'latin1');
  };
}
