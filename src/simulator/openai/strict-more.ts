import type { TranscriptionRequest } from '../transcription.ts';
import { type Body, isObject, textIn } from './body.ts';
import { ApiFailure } from './failure.ts';
import { boolean, type Check, checkFields, integer, list, refuse, text } from './strict-fields.ts';

const rerankFields: Readonly<Record<string, Check>> = {
  model: text,
  query: text,
  documents: list,
  top_n: integer(1),
  return_documents: boolean,
};

/** Refuses a ranking without its parts, or with others. */
export function checkRerank(body: Body): void {
  checkFields(body, rerankFields, '');
  for (const name of ['model', 'query', 'documents']) if (body[name] === undefined) missing(name);
  const documents = Array.isArray(body['documents']) ? body['documents'] : [];
  if (documents.length === 0) refuse("Invalid 'documents': empty array.", 'documents', 'empty_array');
  for (const [i, document] of documents.entries()) {
    if (typeof document === 'string' || (isObject(document) && textIn(document['text']) !== undefined)) continue;
    refuse(`Invalid type for 'documents[${i}]'.`, `documents[${i}]`, 'invalid_type');
  }
}

const formats = ['json', 'text'];

/** Refuses what is no form with a file and a model. */
export function checkTranscription(request: TranscriptionRequest | undefined): TranscriptionRequest {
  if (request === undefined) throw new ApiFailure(400, 'Could not parse multipart form');
  if (request.model === '') throw new ApiFailure(400, 'you must provide a model parameter');
  if (request.file === undefined) missing('file');
  if (!formats.includes(request.format)) {
    refuse(
      `Invalid value: '${request.format}'. Supported values are: 'json' and 'text'.`,
      'response_format',
      'invalid_value',
    );
  }
  return request;
}

function missing(name: string): never {
  return refuse(`Missing required parameter: '${name}'.`, name, 'missing_required_parameter');
}
