import type { Endpoint } from '../../domain/endpoint.ts';
import { readFields } from '../body.ts';
import type { AnswerPipe, Call, Names, Operation, Translation } from '../call.ts';
import type { AnswerEncoder } from '../codec.ts';
import type { Fields } from '../json/fields.ts';
import { addMember, cutMembers, type Edit, setValue } from '../json/splice.ts';
import { modelNotFound, modelRequired } from '../refuse.ts';
import { renaming } from '../rename.ts';
import { COMMENT_HEARTBEAT } from '../sse.ts';
import { SsePipe } from '../sse-pipe.ts';
import type { Passage } from '../stream-dialect.ts';
import { WholePipe } from '../whole-pipe.ts';
import { fieldName, wantsUsage } from './ask-fields.ts';
import { chatAsk } from './chat-ask.ts';
import { ChatEncoder } from './chat-encoder.ts';
import { CHOICES, OLLAMA_COMPLETIONS } from './stream-dialect.ts';
import { readTimings, readUsage } from './usage.ts';

/** What OpenAI's operations that answer in choices differ in. */
export interface Traits {
  readonly path: string;
  /** What errors call the request. */
  readonly struct: string;
  /** What must change for this endpoint beside what must in all of them. */
  readonly edits: (call: Call, endpoint: Endpoint) => Edit[];
  /** Prompts that one request has; default: one. */
  readonly prompts?: (fields: Fields) => number;
  readonly conversation?: Operation['conversation'];
  readonly split?: Operation['split'];
  readonly ask: Translation['ask'];
  readonly Encoder: new (model: string, streaming: boolean, wantsUsage: boolean) => AnswerEncoder;
}

/** Builds an operation that every kind of endpoint has; an Ollama that lacks it is asked in its own words. */
export function operation(traits: Traits): Operation {
  const { path, conversation, split } = traits;
  const self: Operation = {
    protocol: 'openai',
    path,
    native: ['ollama', 'llama-server', 'vllm', 'openai'],
    decode: (body) => decode(self, traits, body),
    edits: (call, endpoint) => edits(traits, call, endpoint),
    verbatim: (call, endpoint, contentType, names) => verbatim(traits, call, endpoint, contentType, names),
    unknownModel: modelNotFound,
    translation: translation(traits),
    heartbeat: () => COMMENT_HEARTBEAT,
    ...(conversation !== undefined && { conversation }),
    ...(split !== undefined && { split }),
  };
  return self;
}

export const chatCompletions: Operation = operation({
  path: '/v1/chat/completions',
  struct: 'ChatCompletionRequest',
  edits: tokenLimit,
  conversation: 'chat',
  ask: chatAsk,
  Encoder: ChatEncoder,
});

/** Ollama ignores `max_completion_tokens`. */
function tokenLimit({ fields }: Call, { kind }: Endpoint): Edit[] {
  const limit = kind === 'ollama' && fields.type('max_tokens') === undefined && fields.raw('max_completion_tokens');
  return limit ? [add(fields, 'max_tokens', limit)] : [];
}

function translation({ ask, Encoder }: Traits): Translation {
  return {
    kind: 'answer',
    targets: ['ollama'],
    ask,
    encoder: ({ model, streaming, fields }) => new Encoder(model, streaming, wantsUsage(fields)),
    nameOf: fieldName,
  };
}

function decode(self: Operation, { struct }: Traits, body: Buffer): Call {
  const fields = readFields(body, { struct, foldCase: false });
  const model = fields.string('model') ?? '';
  if (model === '') throw modelRequired();
  const streaming = fields.boolean('stream') ?? false;
  return { operation: self, body, fields, model, modelField: 'model', streaming, intent: 'answer' };
}

function edits(traits: Traits, call: Call, endpoint: Endpoint): Edit[] {
  const { fields } = call;
  const usage = asksForUsage(call, endpoint) ? [usageEdit(fields)] : [];
  return [...cutMembers(fields.members, 'nomyo'), ...usage, ...traits.edits(call, endpoint)];
}

/** Whether the router asks for token counts where the client did not; llama-server counts unasked. */
function asksForUsage({ fields, streaming }: Call, { kind }: Endpoint): boolean {
  return streaming && kind !== 'llama-server' && !wantsUsage(fields);
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

function verbatim(traits: Traits, call: Call, endpoint: Endpoint, contentType: string, names: Names): AnswerPipe {
  const rename = renaming(names);
  if (!contentType.startsWith('text/event-stream'))
    return new WholePipe(readUsage, rename ?? ((answer) => answer), readTimings);
  const dialect = endpoint.kind === 'ollama' && traits.prompts !== undefined ? OLLAMA_COMPLETIONS : CHOICES;
  const hideUsage = asksForUsage(call, endpoint);
  return new SsePipe(dialect, { hideUsage, edit: rename, ...countOf(traits, call, endpoint) });
}

/** How many answers to how many prompts come at once; Ollama gives one whatever it is asked. */
function countOf({ prompts: promptsIn }: Traits, { fields }: Call, { kind }: Endpoint): Answers {
  if (kind === 'ollama') return { answers: 1, prompts: 1 };
  const each = fields.type('n') === 'number' ? Number(fields.number('n')) : 1;
  const prompts = promptsIn?.(fields) ?? 1;
  // Less than one is for the endpoint to refuse.
  return { answers: Math.max(1, each) * prompts, prompts };
}

type Answers = Pick<Passage, 'answers' | 'prompts'>;
