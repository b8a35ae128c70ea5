import { type Body, isObject, objectIn, objectsIn } from './body.ts';
import { boolean, type Check, checkFields, integer, list, number, object, refuse, text } from './strict-fields.ts';

const any: Check = () => undefined;

const fields: Readonly<Record<string, Check>> = {
  model: text,
  input: (value) =>
    typeof value === 'string' || Array.isArray(value) ? undefined : 'type: expected a string or an array',
  instructions: text,
  max_output_tokens: integer(16),
  max_tool_calls: integer(1),
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_logprobs: integer(0, 20),
  stream: boolean,
  stream_options: object,
  store: boolean,
  background: boolean,
  parallel_tool_calls: boolean,
  previous_response_id: text,
  conversation: any,
  prompt: object,
  include: list,
  metadata: object,
  reasoning: object,
  text: object,
  tools: list,
  tool_choice: any,
  truncation: text,
  user: text,
  safety_identifier: text,
  prompt_cache_key: text,
  prompt_cache_retention: text,
  service_tier: text,
};

const parts: Readonly<Record<string, readonly string[]>> = {
  assistant: ['output_text', 'refusal'],
  other: ['input_text', 'input_image', 'input_file'],
};

/** Fields that an item of each type must have. */
const items: Readonly<Record<string, readonly string[]>> = {
  message: ['role', 'content'],
  function_call: ['call_id', 'name', 'arguments'],
  function_call_output: ['call_id', 'output'],
  reasoning: ['summary'],
};

/** Refuses a response that OpenAI refuses: any unknown field, item or part, and results without their call. */
export function checkResponse(body: Body): void {
  checkFields(body, fields, '');
  for (const name of ['model', 'input']) if (body[name] === undefined) missing(name);
  checkInput(body['input'], body['previous_response_id'] !== undefined);
  checkFields(objectIn(body['reasoning']), { effort: text, summary: text, generate_summary: text }, 'reasoning.');
  for (const [i, tool] of objectsIn(body['tools']).entries()) checkTool(tool, `tools[${i}]`);
  checkFormat(objectIn(body['text']));
}

function checkInput(input: unknown, isContinued: boolean): void {
  if (!Array.isArray(input)) return;
  let open: unknown[] = [];
  for (const [i, item] of input.entries()) {
    checkItem(isObject(item) ? item : {}, `input[${i}]`);
    if (item.type === 'function_call') open.push(item.call_id);
    if (item.type !== 'function_call_output') continue;
    if (!open.includes(item.call_id) && !isContinued) {
      refuse(`No tool call found for function call output with call_id ${item.call_id}.`, 'input');
    }
    open = open.filter((id) => id !== item.call_id);
  }
  if (open.length > 0) refuse(`No tool output found for function call ${String(open[0])}.`, 'input');
}

function checkItem(item: Body, at: string): void {
  const type = String(item['type'] ?? 'message');
  const required = Object.hasOwn(items, type) ? items[type] : undefined;
  if (required === undefined) invalid(type, Object.keys(items), at);
  for (const name of required) if (item[name] === undefined) missing(`${at}.${name}`);
  if (type !== 'message') return;
  const { role, content } = item;
  const roles = ['assistant', 'system', 'developer', 'user'];
  if (!roles.includes(String(role))) invalid(String(role), roles, `${at}.role`);
  const known = parts[role === 'assistant' ? 'assistant' : 'other'] ?? [];
  for (const [j, part] of objectsIn(content).entries()) {
    if (!known.includes(String(part['type']))) invalid(String(part['type']), known, `${at}.content[${j}].type`);
    const isImage = part['type'] === 'input_image';
    if (isImage && typeof part['image_url'] !== 'string')
      refuse(`Invalid type for '${at}.content[${j}].image_url'.`, at);
  }
}

function checkTool(tool: Body, at: string): void {
  if (tool['type'] === undefined) missing(`${at}.type`);
  if (tool['type'] !== 'function') return;
  if (tool['name'] === undefined) missing(`${at}.name`);
  const known = { type: text, name: text, description: text, parameters: object, strict: boolean };
  checkFields(tool, known, `${at}.`);
}

function checkFormat(format: Body): void {
  checkFields(format, { format: object, verbosity: text }, 'text.');
  const inner = objectIn(format['format']);
  const known = { type: text, name: text, schema: object, strict: boolean, description: text };
  checkFields(inner, known, 'text.format.');
  if (inner['type'] !== 'json_schema') return;
  for (const name of ['name', 'schema']) if (inner[name] === undefined) missing(`text.format.${name}`);
}

function missing(name: string): never {
  return refuse(`Missing required parameter: '${name}'.`, name, 'missing_required_parameter');
}

function invalid(value: string, known: readonly string[], at: string): never {
  const words = known.map((word) => `'${word}'`).join(', ');
  return refuse(`Invalid value: '${value}'. Supported values are: ${words}.`, at, 'invalid_value');
}
