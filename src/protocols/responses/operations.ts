import type { Endpoint, EndpointKind } from '../../domain/endpoint.ts';
import { readFields } from '../body.ts';
import type { AnswerPipe, Call, Names, Operation } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { cutMembers, type Edit } from '../json/splice.ts';
import { invalid, modelNotFound, modelRequired, unsupported } from '../refuse.ts';
import { renaming } from '../rename.ts';
import { COMMENT_HEARTBEAT } from '../sse.ts';
import { SsePipe } from '../sse-pipe.ts';
import { WholePipe } from '../whole-pipe.ts';
import { ResponsesEncoder } from './answer-encoder.ts';
import { responsesAsk, storedParts } from './request.ts';
import { mayTruncate, settingName } from './settings.ts';
import { RESPONSE_EVENTS, readUsage } from './stream-dialect.ts';

const KINDS: readonly EndpointKind[] = ['ollama', 'llama-server', 'vllm', 'openai'];

/** `/v1/responses`: some versions of every kind of endpoint lack it. */
export const responses: Operation = {
  protocol: 'openai',
  path: '/v1/responses',
  native: KINDS,
  decode,
  edits,
  losesNatively,
  verbatim,
  unknownModel: modelNotFound,
  translation: {
    kind: 'answer',
    targets: KINDS,
    ask: responsesAsk,
    encoder: (call) => new ResponsesEncoder(call),
    nameOf: settingName,
  },
  conversation: 'responses',
  truncates: ({ fields }) => mayTruncate(fields),
  heartbeat: () => COMMENT_HEARTBEAT,
};

function decode(body: Buffer): Call {
  const fields = readFields(body, { struct: 'ResponsesRequest', foldCase: false });
  const model = fields.string('model') ?? '';
  if (model === '') throw modelRequired();
  requireInput(fields);
  const streaming = fields.boolean('stream') ?? false;
  return { operation: responses, body, fields, model, modelField: 'model', streaming, intent: 'answer' };
}

/** What a server keeps may stand in for it. */
function requireInput(fields: Fields): void {
  const type = fields.type('input');
  if (type === 'string' || type === 'array') return;
  if (type !== undefined) throw invalid('input', 'input must be a string or an array of items');
  if (storedParts(fields).length === 0) throw invalid('input', 'input is required');
}

/** Ollama keeps nothing, and passes over what stands for something kept. */
function edits({ fields }: Call, { kind }: Endpoint): Edit[] {
  const [stored] = kind === 'ollama' ? storedParts(fields) : [];
  if (stored !== undefined) throw unsupported(stored);
  return cutMembers(fields.members, 'nomyo');
}

/**
 * llama-server's route answers in any form, whatever `text.format` says, and refuses what an assistant said where that is a
 * plain text; its chat completions know both.
 */
function losesNatively({ fields }: Call, { kind }: Endpoint): boolean {
  if (kind !== 'llama-server') return false;
  const format = fields.object('text', 'ResponsesText')?.object('format', 'ResponsesTextFormat');
  if (format !== undefined && format.string('type') !== 'text') return true;
  const items = fields.type('input') === 'array' ? fields.objects('input', 'ResponsesInputItem') : [];
  return items.some((item) => item.type('content') === 'string' && item.string('role') === 'assistant');
}

function verbatim(_call: Call, _endpoint: Endpoint, contentType: string, names: Names): AnswerPipe {
  const edit = renaming(names, 'response');
  if (contentType.startsWith('text/event-stream')) return new SsePipe(RESPONSE_EVENTS, { edit });
  return new WholePipe(readUsage, edit ?? ((answer) => answer));
}
