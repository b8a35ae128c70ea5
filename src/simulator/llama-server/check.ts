import { type Body, isObject, objectIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { SimulatedEndpointOptions, SimulatedModel } from '../simulation.ts';
import { checkMessages } from './check-messages.ts';
import { checkTools } from './check-tools.ts';
import { defaultBuild } from './style.ts';

/** Reads a body as nlohmann's parser does: the whole text is one value. */
export function readBody(text: string): Body {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch (error) {
    const where = 'parse error at line 1, column 1';
    const why =
      text.trim() === ''
        ? 'attempting to parse an empty input; check that your input string or stream contains the expected JSON'
        : `syntax error while parsing value - ${error instanceof Error ? error.message : String(error)}`;
    throw new ApiFailure(500, `[json.exception.parse_error.101] ${where}: ${why}`);
  }
}

/** Refuses chats that a llama-server started with these options refuses, in its order. */
export function checkChat(body: Body, model: SimulatedModel, options: SimulatedEndpointOptions): void {
  const { tools, tool_choice: choice, grammar, logprobs } = body;
  const hasTools = Array.isArray(tools) && tools.length > 0;
  if (!hasJinja(options)) checkWithoutJinja(hasTools, choice);
  if (isGiven(body['json_schema']) && isText(grammar)) fail('Cannot use both json_schema and grammar');
  checkFormat(objectIn(body['response_format']));
  checkMessages(body['messages'], model);
  checkTools(tools);
  if (typeof choice === 'string' && !['auto', 'none', 'required'].includes(choice)) {
    refuse(`Invalid tool_choice: ${choice}`);
  }
  if (hasTools && choice !== 'none' && grammar !== undefined) {
    refuse('Cannot use custom grammar constraints with tools.');
  }
  if (isText(objectIn(body['chat_template_kwargs'])['enable_thinking'])) {
    refuse('invalid type for "enable_thinking" (expected boolean, got string)');
  }
  if (logprobs !== true && isGiven(body['top_logprobs'])) refuse('top_logprobs requires logprobs to be set to true');
  if (hasTools && body['stream'] === true && logprobs === true) refuse('logprobs is not supported with tools + stream');
}

/** Templates were to be asked for in older builds. */
function hasJinja({ jinja, version = defaultBuild }: SimulatedEndpointOptions): boolean {
  return jinja ?? Number(/^b(\d+)/.exec(version)?.[1] ?? Number.POSITIVE_INFINITY) >= 7000;
}

function checkWithoutJinja(hasTools: boolean, choice: unknown): void {
  if (hasTools) fail('tools param requires --jinja flag');
  if (typeof choice === 'string' && choice !== 'auto') fail('tool_choice param requires --jinja flag');
}

const jsonTypes = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'];

function checkFormat(format: Body): void {
  const { type } = format;
  if (isText(type) && !['text', 'json_object', 'json_schema'].includes(type)) {
    refuse(`response_format type must be one of "text" or "json_object", but got: ${type}`);
  }
  const schema = objectIn(type === 'json_schema' ? objectIn(format['json_schema'])['schema'] : format['schema']);
  if (type === 'text' || !isText(schema['type']) || jsonTypes.includes(schema['type'])) return;
  const where =
    'Unable to generate parser for this template. Automatic parser generation failed: JSON schema error at #';
  refuse(`${where}: unrecognized type ${schema['type']}`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function refuse(message: string): never {
  throw new ApiFailure(400, message);
}

/** What it takes for a failure of its own. */
function fail(message: string): never {
  throw new ApiFailure(500, message);
}
