import type { Endpoint, EndpointKind } from '../../domain/endpoint.ts';
import { readFields } from '../body.ts';
import type { AnswerPipe, Call, Heartbeat, Names, Operation } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { cutMembers, type Edit } from '../json/splice.ts';
import { invalid, modelNotFound, modelRequired, unsupported } from '../refuse.ts';
import { renaming } from '../rename.ts';
import { SsePipe } from '../sse-pipe.ts';
import { WholePipe } from '../whole-pipe.ts';
import { MessagesEncoder } from './answer-encoder.ts';
import { event } from './events.ts';
import { messagesAsk, nameOf } from './request.ts';
import { messageEvents } from './stream-dialect.ts';
import { readUsage } from './usage.ts';

const KINDS: readonly EndpointKind[] = ['ollama', 'llama-server', 'vllm', 'openai'];
const PING: Heartbeat = { contentType: 'text/event-stream', text: event('ping') };

/** `/v1/messages`. */
export const messages: Operation = {
  protocol: 'anthropic',
  path: '/v1/messages',
  native: KINDS,
  decode: decodeMessages,
  edits,
  losesNatively,
  verbatim: messagePipe,
  unknownModel: modelNotFound,
  translation: {
    kind: 'answer',
    targets: KINDS,
    ask: messagesAsk,
    encoder: ({ model, streaming }) => new MessagesEncoder(model, streaming),
    nameOf,
  },
  conversation: 'anthropic',
  heartbeat: () => PING,
};

/** `/v1/messages/count_tokens`: the tokens of a request that is not made. */
export const countTokens: Operation = {
  protocol: 'anthropic',
  path: '/v1/messages/count_tokens',
  native: ['llama-server', 'vllm', 'openai'],
  decode: (body) => call(countTokens, body, () => false),
  edits: cutOwn,
  spendsNothing: true,
  verbatim: countPipe,
  unknownModel: modelNotFound,
};

function decodeMessages(body: Buffer): Call {
  return call(messages, body, (fields) => {
    const limit = Number(fields.number('max_tokens', 'int') ?? 0);
    if (limit <= 0 || !Number.isInteger(limit))
      throw invalid('max_tokens', 'max_tokens is required and must be positive');
    return fields.boolean('stream') ?? false;
  });
}

/** A request that names its model and has messages; `streams` looks at what else it must have. */
function call(operation: Operation, body: Buffer, streams: (fields: Fields) => boolean): Call {
  const fields = readFields(body, { struct: 'MessagesRequest', foldCase: false });
  const model = fields.string('model') ?? '';
  if (model === '') throw modelRequired();
  const streaming = streams(fields);
  if (fields.isEmptyArray('messages', 'MessageParam')) throw invalid('messages', 'messages is required');
  return { operation, body, fields, model, modelField: 'model', streaming, intent: 'answer' };
}

/** Of a thread only Anthropic's own servers keep what was said before; any other would answer the rest without it. */
function edits(call: Call, { kind }: Endpoint): Edit[] {
  if (kind !== 'openai' && call.fields.type('thread') !== undefined) throw unsupported('thread');
  return cutOwn(call);
}

/** Servers of one's own answer in any form, whatever is asked; their chat completions keep to it. */
function losesNatively({ fields }: Call, { kind }: Endpoint): boolean {
  if (kind === 'openai') return false;
  const config = fields.object('output_config', 'OutputConfig');
  return config?.type('format') !== undefined || fields.type('output_format') !== undefined;
}

/** The router's own field must not reach an endpoint. */
function cutOwn({ fields }: Call): Edit[] {
  return cutMembers(fields.members, 'nomyo');
}

function messagePipe(_call: Call, { kind }: Endpoint, contentType: string, names: Names): AnswerPipe {
  if (contentType.startsWith('text/event-stream'))
    return new SsePipe(messageEvents(kind === 'ollama'), { edit: renaming(names, 'message') });
  return new WholePipe(readUsage, renaming(names) ?? ((answer) => answer));
}

/** What was counted was not spent. */
function countPipe(): AnswerPipe {
  return new WholePipe(
    () => undefined,
    (answer) => answer,
  );
}
