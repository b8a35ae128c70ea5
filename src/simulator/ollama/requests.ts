import { keepAliveMs } from './duration.ts';
import {
  type GoType,
  goAny,
  goBool,
  goCustom,
  goFloat,
  goFloat32,
  goInt,
  goList,
  goMap,
  goString,
  goStruct,
  isObject,
} from './go-decode.ts';

const thinkLevels = ['high', 'medium', 'low', 'max'];
const thinkWords = '"high", "medium", "low", "max", true, or false';

/** `true`, `false` or a level. */
type Think = boolean | string;

const think = goCustom('api.ThinkValue', (value): Think => {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') throw new Error(`think must be a boolean or string (${thinkWords})`);
  if (!thinkLevels.includes(value))
    throw new Error(`invalid think value: ${JSON.stringify(value)} (must be ${thinkWords})`);
  return value;
});

const duration = goCustom('api.Duration', keepAliveMs);

/** Base64 as Go reads it; throws Go's text. */
export function goImage(value: unknown): string {
  if (typeof value !== 'string') throw new Error('json: cannot unmarshal image data');
  const wrong = /[^A-Za-z0-9+/=]/.exec(value.replace(/[\r\n]/g, ''))?.index;
  if (wrong !== undefined) throw new Error(`illegal base64 data at input byte ${wrong}`);
  if (value.length % 4 !== 0) throw new Error(`illegal base64 data at input byte ${value.length - (value.length % 4)}`);
  return value;
}

const image = goCustom('api.ImageData', goImage);

/** A tool call's arguments; Ollama 0.24 has its own words for anything that is no object. */
export function goArguments(value: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw new Error("Value looks like object, but can't find closing '}' symbol");
  return value;
}

const toolArguments = goCustom('api.ToolCallFunctionArguments', goArguments);

const toolCall = goStruct('api.ToolCall', {
  id: goString,
  function: goStruct('api.ToolCallFunction', { index: goInt, name: goString, arguments: toolArguments }),
});

const message = goStruct('api.Message', {
  role: goString,
  content: goString,
  thinking: goString,
  images: goList(image),
  tool_calls: goList(toolCall),
  tool_name: goString,
  tool_call_id: goString,
});

const tool = goStruct('api.Tool', {
  type: goString,
  items: goAny,
  function: goStruct('api.ToolFunction', {
    name: goString,
    description: goString,
    parameters: goStruct('api.ToolFunctionParameters', {
      type: goString,
      required: goList(goString),
      properties: goMap,
    }),
  }),
});

export const chatRequest = goStruct('api.ChatRequest', {
  model: goString,
  messages: goList(message),
  stream: goBool,
  format: goAny,
  keep_alive: duration,
  tools: goList(tool, 'api.Tools'),
  options: goMap,
  think,
  truncate: goBool,
  shift: goBool,
  _debug_render_only: goBool,
  logprobs: goBool,
  top_logprobs: goInt,
});
export type ChatRequest = typeof chatRequest extends GoType<infer T> ? Partial<T> : never;

export const generateRequest = goStruct('api.GenerateRequest', {
  model: goString,
  prompt: goString,
  suffix: goString,
  system: goString,
  template: goString,
  context: goList(goInt),
  stream: goBool,
  raw: goBool,
  format: goAny,
  keep_alive: duration,
  images: goList(image),
  options: goMap,
  think,
  truncate: goBool,
  shift: goBool,
  _debug_render_only: goBool,
  logprobs: goBool,
  top_logprobs: goInt,
});
export type GenerateRequest = typeof generateRequest extends GoType<infer T> ? Partial<T> : never;

export const embedRequest = goStruct('api.EmbedRequest', {
  model: goString,
  input: goAny,
  keep_alive: duration,
  truncate: goBool,
  dimensions: goInt,
  options: goMap,
});
export type EmbedRequest = typeof embedRequest extends GoType<infer T> ? Partial<T> : never;

export const embeddingsRequest = goStruct('api.EmbeddingRequest', {
  model: goString,
  prompt: goString,
  keep_alive: duration,
  options: goMap,
});

export const showRequest = goStruct('api.ShowRequest', {
  model: goString,
  name: goString,
  system: goString,
  template: goString,
  verbose: goBool,
  options: goMap,
});

export const deleteRequest = goStruct('api.DeleteRequest', { model: goString, name: goString });

const pulledModel = { model: goString, name: goString, stream: goBool };
export const pullRequest = goStruct('api.PullRequest', { ...pulledModel, insecure: goBool });
export const pushRequest = goStruct('api.PushRequest', { ...pulledModel, insecure: goBool });
export type PullRequest = typeof pullRequest extends GoType<infer T> ? T : never;

export const createRequest = goStruct('api.CreateRequest', { ...pulledModel, from: goString, files: goMap });
export type CreateRequest = typeof createRequest extends GoType<infer T> ? T : never;

export const copyRequest = goStruct('api.CopyRequest', { source: goString, destination: goString });

export const systemOneRequest = goStruct('api.SystemOneRequest', { model: goString, questions: goMap });
export type SystemOneRequest = typeof systemOneRequest extends GoType<infer T> ? T : never;

const streamOptions = goStruct('openai.StreamOptions', { include_usage: goBool });

const openAiMessage = goStruct('openai.Message', {
  role: goString,
  content: goAny,
  reasoning: goString,
  tool_calls: goList(
    goStruct('openai.ToolCall', {
      id: goString,
      index: goInt,
      type: goString,
      function: goStruct('struct { Name string "json:\\"name\\""; Arguments string "json:\\"arguments\\"" }', {
        name: goString,
        arguments: goString,
      }),
    }),
  ),
  name: goString,
  tool_call_id: goString,
});

export const openAiChatRequest = goStruct('openai.ChatCompletionRequest', {
  model: goString,
  messages: goList(openAiMessage),
  stream: goBool,
  stream_options: streamOptions,
  max_tokens: goInt,
  seed: goInt,
  stop: goAny,
  temperature: goFloat,
  frequency_penalty: goFloat,
  presence_penalty: goFloat,
  top_p: goFloat,
  response_format: goStruct('openai.ResponseFormat', {
    type: goString,
    json_schema: goStruct('openai.JsonSchema', { schema: goAny }),
  }),
  tools: goList(tool),
  reasoning: goStruct('openai.Reasoning', { effort: goString }),
  reasoning_effort: goString,
  logprobs: goBool,
  top_logprobs: goInt,
  _debug_render_only: goBool,
});
export type OpenAiChatRequest = typeof openAiChatRequest extends GoType<infer T> ? T : never;
export type OpenAiMessage = typeof openAiMessage extends GoType<infer T> ? T : never;

export const openAiCompletionRequest = goStruct('openai.CompletionRequest', {
  model: goString,
  prompt: goString,
  frequency_penalty: goFloat32,
  max_tokens: goInt,
  presence_penalty: goFloat32,
  seed: goInt,
  stop: goAny,
  stream: goBool,
  stream_options: streamOptions,
  temperature: goFloat32,
  top_p: goFloat32,
  suffix: goString,
  logprobs: goInt,
  _debug_render_only: goBool,
});
export type OpenAiCompletionRequest = typeof openAiCompletionRequest extends GoType<infer T> ? T : never;

export const openAiEmbedRequest = goStruct('openai.EmbedRequest', {
  input: goAny,
  model: goString,
  dimensions: goInt,
  encoding_format: goString,
});
