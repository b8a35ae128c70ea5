import type { EmbeddingAsk, Vectors } from '../../domain/ask.ts';
import type { Endpoint } from '../../domain/endpoint.ts';
import { readFields } from '../body.ts';
import type { AnswerPipe, Call, Names, Operation } from '../call.ts';
import { HeldPipe } from '../held-pipe.ts';
import type { Fields } from '../json/fields.ts';
import { scanArray } from '../json/scan.ts';
import { cutMembers, type Edit } from '../json/splice.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { invalid, modelNotFound, modelRequired, unsupported } from '../refuse.ts';
import { packVector, vectorText } from '../vectors.ts';
import { finishEmbeddings, type Wanted } from './embedding-answer.ts';

/** `/v1/embeddings`: the clients ask for base64 by default and do not check what they get. */
export const openaiEmbeddings: Operation = {
  protocol: 'openai',
  path: '/v1/embeddings',
  native: ['ollama', 'llama-server', 'vllm', 'openai'],
  decode,
  edits,
  verbatim,
  unknownModel: modelNotFound,
  translation: { kind: 'embedding', targets: ['ollama'], ask, encode },
};

function decode(body: Buffer): Call {
  const fields = readFields(body, { struct: 'EmbedRequest', foldCase: false });
  const model = fields.string('model') ?? '';
  if (model === '') throw modelRequired();
  if (fields.type('input') === undefined || isEmptyArray(fields)) throw invalid('input', 'invalid input');
  formatOf(fields);
  return { operation: openaiEmbeddings, body, fields, model, modelField: 'model', streaming: false, intent: 'answer' };
}

function edits({ fields }: Call, endpoint: Endpoint): Edit[] {
  // To be refused before the work is done.
  ownDimensions(fields, endpoint);
  return cutMembers(fields.members, 'nomyo');
}

function verbatim({ fields }: Call, endpoint: Endpoint, _contentType: string, names: Names): AnswerPipe {
  const wanted: Wanted = { format: formatOf(fields), dimensions: ownDimensions(fields, endpoint) };
  return new HeldPipe((answer) => finishEmbeddings(answer, wanted, names));
}

function ask({ fields }: Call): EmbeddingAsk {
  const unknown = fields.members.find(({ key }) => !KNOWN.has(key) && fields.type(key) !== undefined);
  if (unknown !== undefined) throw unsupported(unknown.key, `${unknown.key} is not supported by this backend`);
  return {
    input: fields.raw('input') ?? '""',
    count: countTexts(fields),
    dimensions: dimensions(fields),
    dropped: fields.type('user') === undefined ? [] : ['user'],
  };
}

const KNOWN = new Set(['model', 'input', 'encoding_format', 'dimensions', 'user', 'nomyo']);

function encode({ model, fields }: Call, { vectors, promptTokens }: Vectors): string {
  const isPacked = formatOf(fields) === 'base64';
  const items = vectors.map((vector, index) => {
    const embedding = isPacked ? text(packVector(vector)) : vectorText(vector);
    return objectText({ object: text('embedding'), index: text(index), embedding });
  });
  const usage = objectText({ prompt_tokens: text(promptTokens), total_tokens: text(promptTokens) });
  return objectText({ object: text('list'), data: arrayText(items), model: text(model), usage });
}

/** What clients ask for, in any case of letters, as Ollama takes it. */
function formatOf(fields: Fields): Wanted['format'] {
  const given = fields.string('encoding_format') ?? '';
  const format = given.toLowerCase();
  if (format === 'base64') return 'base64';
  if (format === 'float' || format === '') return 'float';
  const supported = `Supported values: ['float', 'base64'].`;
  throw invalid('encoding_format', `Invalid value for 'encoding_format' = ${given}. ${supported}`);
}

/** Numbers per vector that the router sees to: llama-server gives all it has, whatever it is asked. */
function ownDimensions(fields: Fields, { kind }: Endpoint): number | undefined {
  return kind === 'llama-server' ? dimensions(fields) : undefined;
}

function dimensions(fields: Fields): number | undefined {
  const raw = fields.number('dimensions', 'int');
  if (raw === undefined) return undefined;
  if (!/^0*[1-9]\d*$/.test(raw)) throw invalid('dimensions', 'dimensions must be a whole number above 0');
  return Number(raw);
}

function countTexts(fields: Fields): number {
  const input = fields.member('input');
  if (input === undefined || fields.type('input') === 'string') return 1;
  const elements = fields.type('input') === 'array' ? scanArray(fields.bytes, input.start) : [];
  const isTexts = elements.length > 0 && elements.every(({ start }) => fields.bytes[start] === QUOTE);
  if (!isTexts) throw unsupported('input', 'invalid input type: this backend embeds texts alone');
  return elements.length;
}

const QUOTE = 0x22;

/** Looks at no element: a batch may be long. */
function isEmptyArray(fields: Fields): boolean {
  return fields.type('input') === 'array' && fields.isEmptyArray('input', 'EmbedRequest');
}
