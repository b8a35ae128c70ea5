import { type Body, isObject, objectIn, objectsIn } from './body.ts';
import { ApiFailure } from './failure.ts';
import {
  boolean,
  type Check,
  checkFields,
  integer,
  list,
  number,
  object,
  refuse,
  text,
  textOrList,
} from './strict-fields.ts';

const common: Readonly<Record<string, Check>> = {
  model: text,
  stream: boolean,
  stream_options: object,
  max_tokens: integer(1),
  temperature: number(0, 2),
  top_p: number(0, 1),
  n: integer(1, 128),
  stop: textOrList,
  seed: integer(),
  frequency_penalty: number(-2, 2),
  presence_penalty: number(-2, 2),
  logit_bias: object,
  user: text,
};

const chatFields: Readonly<Record<string, Check>> = {
  ...common,
  messages: list,
  max_completion_tokens: integer(1),
  logprobs: boolean,
  top_logprobs: integer(0, 20),
  response_format: object,
  tools: list,
  tool_choice: () => undefined,
  parallel_tool_calls: boolean,
  reasoning_effort: text,
  modalities: list,
  audio: object,
  prediction: object,
  store: boolean,
  metadata: object,
  safety_identifier: text,
  prompt_cache_key: text,
  prompt_cache_retention: text,
  service_tier: text,
  verbosity: text,
  web_search_options: object,
  functions: list,
  function_call: () => undefined,
};

const completionFields: Readonly<Record<string, Check>> = {
  ...common,
  prompt: () => undefined,
  suffix: text,
  best_of: integer(1, 20),
  echo: boolean,
  logprobs: integer(0, 5),
};

const embeddingFields: Readonly<Record<string, Check>> = {
  model: text,
  input: () => undefined,
  encoding_format: text,
  dimensions: integer(1),
  user: text,
};

/** Refuses a chat completion that OpenAI refuses: any unknown field, any wrong type or range. */
export function checkChat(body: Body): void {
  checkFields(body, chatFields, '');
  require(body, 'model');
  require(body, 'messages');
  if (objectsIn(body['messages']).length === 0) {
    refuse(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      'messages',
      'empty_array',
    );
  }
  checkStreaming(body);
  if (body['max_tokens'] !== undefined && body['max_completion_tokens'] !== undefined) {
    const message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
    refuse(message, 'max_tokens', 'invalid_parameter_combination');
  }
  if (body['top_logprobs'] !== undefined && body['logprobs'] !== true) {
    refuse("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", 'top_logprobs');
  }
  checkTools(body);
  checkFormat(body['response_format']);
}

/** Refuses a completion that OpenAI refuses. */
export function checkCompletion(body: Body): void {
  checkFields(body, completionFields, '');
  require(body, 'model');
  require(body, 'prompt');
  checkStreaming(body);
}

/** Refuses an embedding that OpenAI refuses. */
export function checkEmbedding(body: Body): void {
  checkFields(body, embeddingFields, '');
  require(body, 'model');
  require(body, 'input');
  const { input, encoding_format: format } = body;
  if (input === '' || (Array.isArray(input) && input.length === 0))
    refuse(
      "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
      'input',
    );
  if (format !== undefined && format !== 'float' && format !== 'base64') {
    refuse(
      `Invalid value: '${String(format)}'. Supported values are: 'float' and 'base64'.`,
      'encoding_format',
      'invalid_value',
    );
  }
}

function require(body: Body, name: string): void {
  if (body[name] === undefined) refuse(`Missing required parameter: '${name}'.`, name, 'missing_required_parameter');
}

function checkStreaming(body: Body): void {
  if (body['stream_options'] === undefined || body['stream_options'] === null) return;
  if (body['stream'] !== true)
    refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", 'stream_options');
  checkFields(
    objectIn(body['stream_options']),
    { include_usage: boolean, include_obfuscation: boolean },
    'stream_options.',
  );
}

function checkTools(body: Body): void {
  const { tools, tool_choice: choice } = body;
  if (Array.isArray(tools) && tools.length === 0) refuse("Invalid 'tools': empty array.", 'tools', 'empty_array');
  if (choice !== undefined && tools === undefined)
    refuse("'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice');
  for (const [i, tool] of objectsIn(tools).entries()) {
    checkFields(tool, { type: text, function: object }, `tools[${i}].`);
    const fn = objectIn(tool['function']);
    checkFields(fn, { name: text, description: text, parameters: object, strict: boolean }, `tools[${i}].function.`);
    if (fn['name'] === undefined)
      refuse(
        `Missing required parameter: 'tools[${i}].function.name'.`,
        `tools[${i}].function.name`,
        'missing_required_parameter',
      );
  }
}

function checkFormat(format: unknown): void {
  if (!isObject(format)) return;
  const { type } = format;
  if (type === 'text' || type === 'json_object') {
    checkFields(format, { type: text }, 'response_format.');
    return;
  }
  if (type !== 'json_schema') {
    refuse(
      `Invalid value: '${String(type)}'. Supported values are: 'json_object', 'json_schema', and 'text'.`,
      'response_format.type',
      'invalid_value',
    );
  }
  checkFields(format, { type: text, json_schema: object }, 'response_format.');
  const schema = objectIn(format['json_schema']);
  checkFields(
    schema,
    { name: text, schema: object, strict: boolean, description: text },
    'response_format.json_schema.',
  );
  if (typeof schema['name'] !== 'string') {
    throw new ApiFailure(400, "Missing required parameter: 'response_format.json_schema.name'.", {
      param: 'response_format.json_schema.name',
      code: 'missing_required_parameter',
    });
  }
}
