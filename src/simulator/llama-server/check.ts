import { type Body, isObject, objectsIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { SimulatedModel } from '../simulation.ts';
import { refuseMedia } from './refusals.ts';
import { defaultBuild } from './style.ts';

const int32 = 2_147_483_647;

/** Fields that llama-server checks itself, with the range it takes. */
const ranges: Readonly<Record<string, readonly [low: number, high: number]>> = {
  n_predict: [-1, int32],
  max_tokens: [-1, int32],
  max_completion_tokens: [-1, int32],
  repeat_last_n: [0, int32],
  dry_penalty_last_n: [0, int32],
  n_keep: [-1, int32],
};

const numbers = [
  'temperature',
  'top_k',
  'top_p',
  'min_p',
  'typical_p',
  'repeat_penalty',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'mirostat',
  'mirostat_tau',
  'mirostat_eta',
];

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

/** Refuses sampler values that llama-server refuses. */
export function checkSampling(body: Body, slots: number): void {
  const all = { ...ranges, n: [1, slots] as const };
  for (const [name, [low, high]] of Object.entries(all)) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    checkNumber(name, value);
    if (Number(value) < low || Number(value) > high) {
      refuse(`Field '${name}': Value must be between ${low} <= value <= ${high}, but got ${String(value)}`);
    }
  }
  for (const name of numbers) if (body[name] !== undefined && body[name] !== null) checkNumber(name, body[name]);
}

function checkNumber(name: string, value: unknown): void {
  if (typeof value === 'number') return;
  const type = Array.isArray(value) ? 'array' : typeof value;
  refuse(`Field '${name}': [json.exception.type_error.302] type must be number, but is ${type}`);
}

/** Refuses chats that llama-server refuses; `build` is the server's version. */
export function checkChat(body: Body, model: SimulatedModel, build = defaultBuild): void {
  const { messages } = body;
  if (messages === undefined) refuse("'messages' is required");
  if (!Array.isArray(messages)) refuse("Expected 'messages' to be an array");
  for (const message of messages) checkMessage(message, model);
  const last = objectsIn(messages).slice(-2);
  if (last.length === 2 && last.every((message) => message['role'] === 'assistant')) {
    refuse('Cannot have 2 or more assistant messages at the end of the list.');
  }
  const hasTools = Array.isArray(body['tools']) && body['tools'].length > 0;
  // Older builds, in which templates were to be asked for, called it their own failure.
  if (hasTools && !model.capabilities.includes('tools')) {
    throw new ApiFailure(buildNumber(build) < 7000 ? 500 : 400, 'tools param requires --jinja flag');
  }
  if (hasTools && body['grammar'] !== undefined) refuse('Cannot use custom grammar constraints with tools.');
  if (body['top_logprobs'] !== undefined && body['logprobs'] !== true) {
    refuse('top_logprobs requires logprobs to be set to true');
  }
  if (hasTools && body['stream'] === true && body['logprobs'] === true) {
    refuse('logprobs is not supported with tools + stream');
  }
}

function buildNumber(build: string): number {
  return Number(/^b(\d+)/.exec(build)?.[1] ?? Number.POSITIVE_INFINITY);
}

function checkMessage(message: unknown, model: SimulatedModel): void {
  if (!isObject(message)) refuse("Expected 'message' to be an object");
  const { content, tool_calls: calls } = message;
  if (message['role'] === undefined) {
    throw new ApiFailure(500, `Failed to parse messages: Missing 'role' in message: ${JSON.stringify(message)}`);
  }
  if (content === null || content === undefined) {
    if (calls === undefined) refuse("Expected 'content' to be a string or an array");
  } else if (Array.isArray(content)) for (const part of content) checkPart(part, model);
  else if (typeof content !== 'string') refuse("Expected 'content' to be a string or an array");
}

function checkPart(part: unknown, model: SimulatedModel): void {
  const type = isObject(part) ? part['type'] : undefined;
  if (type === 'text') return;
  if (type !== 'image_url') refuse('unsupported content[].type');
  refuseMedia(model, 'vision');
}

function refuse(message: string): never {
  throw new ApiFailure(400, message);
}
