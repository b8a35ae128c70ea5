import type { Ask, AskPart, Format, RawJson, ToolChoice } from '../../domain/ask.ts';
import type { EndpointKind } from '../../domain/endpoint.ts';
import { RouterError } from '../../errors.ts';
import type { EncodedAsk } from '../codec.ts';
import { objectText, text } from '../json/write.ts';
import { encodeMessages } from './messages.ts';
import { droppedSampling, encodeSampling, encodeThink } from './sampling.ts';

type Kind = Exclude<EndpointKind, 'ollama'>;

/** Writes an ask for an endpoint of this kind: a strict one never sees a field that it does not know. Throws `unsupported`. */
export function encodeAsk(ask: Ask, model: string, kind: Kind): EncodedAsk {
  if (ask.renderOnly === true && (ask.kind !== 'chat' || kind !== 'llama-server')) throw cannotRender();
  return { ...encode(ask, model, kind), dropped: droppedParts(ask, kind) };
}

function encode(ask: Ask, model: string, kind: Kind): Omit<EncodedAsk, 'dropped'> {
  if (ask.kind === 'infill' && kind === 'llama-server') return infill(ask, model);
  const common = { model: text(model), ...stream(ask), ...encodeSampling(ask.sampling, kind) };
  if (ask.kind !== 'chat') {
    const prompt = { prompt: text(ask.prompt), suffix: ask.kind === 'infill' ? text(ask.suffix) : undefined };
    const rest = { ...completionFormat(ask, kind), ...completionLogprobs(ask, kind) };
    return { path: '/v1/completions', body: objectText({ ...common, ...prompt, ...rest }) };
  }
  const chat = {
    messages: encodeMessages(ask.messages, kind),
    ...encodeTools(ask),
    response_format: ask.format && responseFormat(ask.format),
    ...encodeThink(ask.think, kind),
    ...chatLogprobs(ask),
  };
  const path = ask.renderOnly === true ? '/apply-template' : '/v1/chat/completions';
  return { path, body: objectText({ ...common, ...chat }), conversation: 'chat' };
}

function cannotRender(): RouterError {
  const param = '_debug_render_only';
  return new RouterError('unsupported', `${param} is not supported by this backend`, { param });
}

/** llama-server's own route for text between two texts. */
function infill(ask: Ask, model: string): Omit<EncodedAsk, 'dropped'> {
  const { max_tokens: limit, ...sampling } = encodeSampling(ask.sampling, 'llama-server');
  const members = {
    input_prefix: text(ask.prompt),
    input_suffix: text(ask.suffix),
    n_predict: limit,
    stream: text(ask.streaming),
    ...completionFormat(ask, 'llama-server'),
  };
  return { path: '/infill', body: objectText({ model: text(model), ...members, ...sampling }) };
}

function stream({ streaming }: Ask): Record<string, RawJson | undefined> {
  return { stream: text(streaming), stream_options: streaming ? objectText({ include_usage: 'true' }) : undefined };
}

function responseFormat(format: Format): RawJson {
  if (format.kind === 'json') return objectText({ type: text('json_object') });
  const { name = 'schema', description, strict, schema } = format;
  const named = { name: text(name), description: text(description), strict: text(strict), schema };
  return objectText({ type: text('json_schema'), json_schema: objectText(named) });
}

/** Where there is no tool, nothing may be said of how to choose one. */
function encodeTools({ tools, toolChoice, parallelTools }: Ask): Record<string, RawJson | undefined> {
  if (tools === undefined) return {};
  return { tools, tool_choice: toolChoice && encodeChoice(toolChoice), parallel_tool_calls: text(parallelTools) };
}

function encodeChoice(choice: ToolChoice): RawJson {
  if (typeof choice === 'string') return text(choice);
  return objectText({ type: text('function'), function: objectText({ name: text(choice.name) }) });
}

function droppedParts(ask: Ask, kind: Kind): AskPart[] {
  const dropped: AskPart[] = droppedSampling(ask, kind);
  const thinks = ask.kind === 'chat' && (kind !== 'openai' || typeof ask.think === 'string');
  if (ask.think !== undefined && !thinks) dropped.push('think');
  if (kind === 'openai' && ask.messages.some(({ reasoning }) => reasoning !== undefined)) dropped.push('reasoning');
  if (ask.topLogprobs !== undefined && losesLogprobs(ask, kind)) dropped.push('topLogprobs');
  return dropped;
}

function losesLogprobs({ kind: asked, topLogprobs = 0 }: Ask, kind: Kind): boolean {
  if (asked === 'infill' && kind === 'llama-server') return true;
  return asked !== 'chat' && kind === 'openai' && topLogprobs > MAX_COMPLETION_LOGPROBS;
}

function chatLogprobs({ topLogprobs }: Ask): Record<string, RawJson | undefined> {
  return topLogprobs === undefined ? {} : { logprobs: 'true', top_logprobs: text(Math.max(topLogprobs, 1)) };
}

/** The most alternatives that OpenAI's completions give. */
const MAX_COMPLETION_LOGPROBS = 5;

function completionLogprobs({ topLogprobs }: Ask, kind: Kind): Record<string, RawJson | undefined> {
  if (topLogprobs === undefined) return {};
  const most = kind === 'openai' ? MAX_COMPLETION_LOGPROBS : topLogprobs;
  return { logprobs: text(Math.min(Math.max(topLogprobs, 1), Math.max(most, 1))) };
}

/** Completions have no format in OpenAI's own protocol: an answer of another form than asked for would be no answer. */
function completionFormat({ format }: Ask, kind: Kind): Record<string, RawJson | undefined> {
  if (format === undefined) return {};
  if (kind === 'vllm') return { response_format: responseFormat(format) };
  if (kind === 'llama-server') return { json_schema: format.kind === 'json' ? '{}' : format.schema };
  const message = 'format is not supported by this backend together with raw or suffix';
  throw new RouterError('unsupported', message, { param: 'format' });
}
