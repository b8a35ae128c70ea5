import type { Endpoint } from '../../domain/endpoint.ts';
import { RouterError } from '../../errors.ts';
import { readFields } from '../body.ts';
import type { AnswerPipe, Call, Names, Operation } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { addMember, cutMembers, type Edit, setValue } from '../json/splice.ts';
import { renaming } from '../rename.ts';
import { SsePipe } from '../sse-pipe.ts';
import { WholePipe } from '../whole-pipe.ts';
import { CHOICES } from './stream-dialect.ts';
import { readUsage } from './usage.ts';

export const chatCompletions: Operation = {
  protocol: 'openai',
  path: '/v1/chat/completions',
  native: ['ollama', 'llama-server', 'vllm', 'openai'],
  decode,
  edits,
  verbatim,
  unknownModel: (model) => new RouterError('model_not_found', `model '${model}' not found`, { param: 'model' }),
};

function decode(body: Buffer): Call {
  const fields = readFields(body, { struct: 'ChatCompletionRequest', foldCase: false });
  const model = fields.string('model') ?? '';
  if (model === '') throw new RouterError('model_required', 'model is required', { param: 'model' });
  const streaming = fields.boolean('stream') ?? false;
  return { operation: chatCompletions, body, fields, model, modelField: 'model', streaming, intent: 'answer' };
}

function edits(call: Call, endpoint: Endpoint): Edit[] {
  const { fields } = call;
  const added: Edit[] = [];
  if (asksForUsage(call, endpoint)) added.push(usageEdit(fields));
  // Ollama ignores `max_completion_tokens`.
  const limit =
    endpoint.kind === 'ollama' && fields.type('max_tokens') === undefined
      ? fields.raw('max_completion_tokens')
      : undefined;
  if (limit !== undefined) added.push(add(fields, 'max_tokens', limit));
  return [...cutMembers(fields.members, 'nomyo'), ...added];
}

/** Whether the router asks for token counts where the client did not; llama-server counts unasked, in `timings`. */
function asksForUsage({ fields, streaming }: Call, { kind }: Endpoint): boolean {
  return streaming && kind !== 'llama-server' && !clientAsksForUsage(fields);
}

function clientAsksForUsage(fields: Fields): boolean {
  return fields.object('stream_options', 'StreamOptions')?.boolean('include_usage') === true;
}

function usageEdit(fields: Fields): Edit {
  const options = fields.member('stream_options');
  const given = fields.object('stream_options', 'StreamOptions');
  if (options === undefined) return add(fields, 'stream_options', '{"include_usage":true}');
  if (given === undefined) return setValue(options, '{"include_usage":true}');
  const include = given.member('include_usage');
  return include === undefined ? add(given, 'include_usage', 'true') : setValue(include, 'true');
}

function add({ members, brace }: Fields, key: string, json: string): Edit {
  return addMember(members, brace, key, json);
}

function verbatim(call: Call, endpoint: Endpoint, contentType: string, names: Names): AnswerPipe {
  const rename = renaming(names);
  if (contentType.startsWith('text/event-stream'))
    return new SsePipe(CHOICES, {
      hideUsage: asksForUsage(call, endpoint),
      edit: rename,
      answers: choices(call, endpoint),
    });
  return new WholePipe(readUsage, rename ?? ((answer) => answer));
}

/** How many answers come at once; Ollama gives one whatever it is asked. */
function choices({ fields }: Call, { kind }: Endpoint): number {
  return kind === 'ollama' || fields.type('n') !== 'number' ? 1 : Number(fields.number('n'));
}
