import type { Endpoint } from '../../domain/endpoint.ts';
import { RouterError } from '../../errors.ts';
import { readFields } from '../body.ts';
import type { Call, Operation } from '../call.ts';
import { HeldPipe } from '../held-pipe.ts';
import type { Fields } from '../json/fields.ts';
import { cutMembers, type Edit } from '../json/splice.ts';
import { modelNotFound } from '../refuse.ts';
import { renaming } from '../rename.ts';
import { finishRanking } from './answer.ts';
import { checkTexts, documentsOf, isTei, rawAt, textIn } from './texts.ts';

/** Cohere's second version; its clients expect more of an answer. */
const COHERE = '/v2/rerank';

/** Ranks texts by a query, under one of the paths that clients call. No Ollama can. */
export function rerankAt(path: string): Operation {
  const self: Operation = {
    protocol: 'openai',
    path,
    native: ['llama-server', 'vllm', 'openai'],
    pathAt: ({ kind }) => (path === COHERE && kind !== 'llama-server' ? COHERE : '/v1/rerank'),
    decode: (body) => decode(self, body),
    edits,
    omits: ({ fields }, { kind }) =>
      kind !== 'llama-server' && isTei(fields) ? ONLY_TEI.filter((name) => fields.type(name) !== undefined) : [],
    verbatim: ({ fields }, _endpoint, _contentType, names) => {
      const rename = renaming(names) ?? ((answer: Buffer) => answer);
      return new HeldPipe((answer) => finishRanking(answer, { fields, isCohere: path === COHERE, rename }));
    },
    unknownModel: modelNotFound,
  };
  return self;
}

function decode(operation: Operation, body: Buffer): Call {
  const fields = readFields(body, { struct: 'RerankRequest', foldCase: false });
  const model = fields.string('model') ?? '';
  if (model === '') throw modelRequired(fields);
  if (fields.string('query') === undefined)
    throw new RouterError('invalid_parameter', 'query is required', { param: 'query' });
  checkTexts(fields);
  return { operation, body, fields, model, modelField: 'model', streaming: false, intent: 'answer' };
}

function modelRequired(fields: Fields): RouterError {
  const hint = isTei(fields) ? ': add "model" to the body, the router serves more than one' : '';
  return new RouterError('model_required', `model is required${hint}`, { param: 'model' });
}

function edits(call: Call, { kind }: Endpoint): Edit[] {
  const { fields } = call;
  if (kind === 'llama-server') return [...cut(fields, OWN), ...plainTexts(fields)];
  return isTei(fields) ? [...cut(fields, OWN_AND_TEI), ...documentsNamed(fields)] : cut(fields, OWN);
}

/** The router's own field, and those that TEI alone knows. */
const OWN = new Set(['nomyo']);
const ONLY_TEI = ['raw_scores', 'truncate', 'truncation_direction'];
const OWN_AND_TEI = new Set(['nomyo', 'return_text', ...ONLY_TEI]);

/** Cuts as if all had one name: cuts of neighbours one by one would overlap. */
function cut({ members }: Fields, keys: ReadonlySet<string>): Edit[] {
  const marked = members.map((member) => (keys.has(member.key) ? { ...member, key: 'nomyo' } : member));
  return cutMembers(marked, 'nomyo');
}

/** `texts` under the name that everybody else gives it. */
function documentsNamed({ members }: Fields): Edit[] {
  const named = members.filter(({ key }) => key === 'texts');
  return named.map(({ keyStart, start }) => ({ start: keyStart, end: start, text: '"documents":' }));
}

/** llama-server takes texts alone. */
function plainTexts(fields: Fields): Edit[] {
  const { bytes } = fields;
  return documentsOf(fields).flatMap((document) => {
    const found = textIn(bytes, document);
    if (found === undefined) throw noText();
    return found === document ? [] : [{ start: document.start, end: document.end, text: rawAt(bytes, found) }];
  });
}

function noText(): RouterError {
  const message = 'documents without text are not supported by this backend';
  return new RouterError('unsupported', message, { param: 'documents' });
}
