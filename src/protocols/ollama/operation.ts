import type { Endpoint } from '../../domain/endpoint.ts';
import { nameFault } from '../../domain/model-name.ts';
import { RouterError } from '../../errors.ts';
import { readFields } from '../body.ts';
import type { AnswerPipe, Call, EmbeddingTranslation, Names, Operation, Translation } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { cutMembers } from '../json/splice.ts';
import { renaming } from '../rename.ts';
import { WholePipe } from '../whole-pipe.ts';
import { heartbeat, type Shape } from './answer-encoder.ts';
import { NdjsonPipe } from './ndjson-pipe.ts';
import { readTimings, readUsage } from './usage.ts';

/** What Ollama's operations differ in. */
export interface Traits {
  readonly path: string;
  /** Go's name for the request, in the texts of type errors. */
  readonly struct: string;
  /** Where the client names the model; of two fields the first that is not empty. Default: `model` alone. */
  readonly modelFields?: readonly Call['modelField'][];
  /** Whether the answer is a stream; default: never. */
  readonly streams?: (fields: Fields) => boolean;
  /** What an empty model name is answered with. */
  readonly requireModel: (given: string) => RouterError;
  /** The text for a model that no endpoint has. */
  readonly notFound: (model: string) => string;
  /** What the request asks for; default: always an answer. */
  readonly intent?: (fields: Fields) => Call['intent'];
  readonly acknowledge?: (call: Call) => string;
  readonly translation?: Translation | EmbeddingTranslation;
  /** Where the answer is generated: what its streams look like. */
  readonly shape?: Shape;
}

/** Builds an operation of Ollama's protocol. */
export function operation(traits: Traits): Operation {
  const { path, acknowledge, translation, shape } = traits;
  const self: Operation = {
    protocol: 'ollama',
    path,
    native: ['ollama'],
    decode: (body) => decode(self, traits, body),
    edits: cutOwn,
    verbatim,
    contextLength,
    unknownModel: (model) => unknownModel(model, traits.notFound(model)),
    ...(acknowledge !== undefined && { acknowledge }),
    ...(translation !== undefined && { translation }),
    ...(shape !== undefined && { truncates, heartbeat: (call: Call) => heartbeat(shape, call.model) }),
    ...(shape !== undefined && { conversation: shape === 'chat' ? 'ollama' : shape }),
  };
  return self;
}

/** As on Ollama: what does not fit is left out unless the client forbids it. */
function truncates({ fields }: Call): boolean {
  return fields.type('truncate') === 'bool' ? fields.boolean('truncate') !== false : true;
}

/** Ollama loads a model anew for another `num_ctx`; one that is no number is for the endpoint to refuse. */
function contextLength({ fields }: Call): number | undefined {
  if (fields.type('options') !== 'object') return undefined;
  const options = fields.object('options', 'Options');
  return options?.type('num_ctx') === 'number' ? Number(options.number('num_ctx')) : undefined;
}

/** The router's own field must not reach an endpoint. */
export function cutOwn(call: Call): ReturnType<Operation['edits']> {
  return cutMembers(call.fields.members, 'nomyo');
}

export function modelRequired(): RouterError {
  return new RouterError('model_required', 'model is required', { param: 'model' });
}

export function noModelNamed(given: string): RouterError {
  return new RouterError('model_not_found', `model '${given}' not found`, { param: 'model' });
}

/** A name that no server can have is refused as such, any other is not found. */
export function unknownModel(model: string, notFound: string): RouterError {
  const fault = nameFault(model);
  if (fault !== undefined) return new RouterError('invalid_parameter', fault, { param: 'model' });
  return new RouterError('model_not_found', notFound, { param: 'model' });
}

function decode(operation: Operation, traits: Traits, body: Buffer): Call {
  const { struct, modelFields = ['model'], streams, intent } = traits;
  const fields = readFields(body, { struct, foldCase: true });
  const modelField = modelFields.find((field) => (fields.string(field) ?? '') !== '');
  const model = (modelField && fields.string(modelField)) ?? '';
  if (modelField === undefined || model.trim() === '') throw traits.requireModel(model);
  const streaming = streams?.(fields) ?? false;
  return { operation, body, fields, model, modelField, streaming, intent: intent?.(fields) ?? 'answer' };
}

function verbatim(_call: Call, _endpoint: Endpoint, contentType: string, names: Names): AnswerPipe {
  const rename = renaming(names);
  if (contentType.startsWith('application/x-ndjson')) return new NdjsonPipe(rename && eachLine(rename));
  return new WholePipe(readUsage, rename ?? ((answer) => answer), readTimings);
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
