import type { SimulatedModel } from '../simulation.ts';
import { type Body, isObject, objectIn, objectsIn } from './body.ts';
import { type Check, checkFields, list, object, refuse, text } from './strict-fields.ts';

const messageFields: Readonly<Record<string, Check>> = {
  role: text,
  content: (value) =>
    typeof value === 'string' || Array.isArray(value) ? undefined : 'type: expected a string or an array',
  name: text,
  refusal: text,
  audio: object,
  tool_calls: list,
  function_call: object,
  tool_call_id: text,
};

const roles = ['developer', 'system', 'user', 'assistant', 'tool', 'function'];

const partFields: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  text: { type: text, text },
  image_url: { type: text, image_url: object },
  input_audio: { type: text, input_audio: object },
  file: { type: text, file: object },
  refusal: { type: text, refusal: text },
};

/** Refuses messages that OpenAI refuses: unknown fields, parts and roles, tool results without their call. */
export function checkMessages(messages: unknown, model: SimulatedModel): void {
  let open: string[] = [];
  for (const [i, message] of objectsIn(messages).entries()) {
    checkMessage(message, i, model);
    if (message['role'] === 'tool') open = answered(open, message, i);
    else {
      refuseUnanswered(open, i);
      open = objectsIn(message['tool_calls']).map((call) => String(call['id']));
    }
  }
  refuseUnanswered(open, 0);
}

function answered(open: readonly string[], message: Body, i: number): string[] {
  const id = String(message['tool_call_id']);
  if (open.includes(id)) return open.filter((other) => other !== id);
  const rule = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
  return refuse(`Invalid parameter: ${rule}`, `messages.[${i}].role`);
}

function refuseUnanswered(open: readonly string[], i: number): void {
  if (open.length === 0) return;
  const rule =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.";
  refuse(
    `${rule} The following tool_call_ids did not have response messages: ${open.join(', ')}`,
    `messages.[${i}].role`,
  );
}

function checkMessage(message: Body, i: number, model: SimulatedModel): void {
  const at = `messages[${i}]`;
  checkFields(message, messageFields, `${at}.`);
  const { role, content, tool_calls: calls } = message;
  if (!roles.includes(String(role))) {
    refuse(
      `Invalid value: '${String(role)}'. Supported values are: ${roles.map((r) => `'${r}'`).join(', ')}.`,
      `${at}.role`,
      'invalid_value',
    );
  }
  const mayBeEmpty = role === 'assistant' && (Array.isArray(calls) || message['function_call'] !== undefined);
  if ((content === null || content === undefined) && !mayBeEmpty) {
    refuse(`Invalid value for 'content': expected a string, got null.`, `messages.[${i}].content`);
  }
  if (Array.isArray(content)) for (const [j, part] of content.entries()) checkPart(part, `${at}.content[${j}]`, model);
  if (role === 'tool' && message['tool_call_id'] === undefined)
    refuse("Missing parameter 'tool_call_id'.", `${at}.tool_call_id`);
  for (const [j, call] of objectsIn(calls).entries()) checkToolCall(call, `${at}.tool_calls[${j}]`);
  if (Array.isArray(calls) && calls.length === 0)
    refuse(`Invalid '${at}.tool_calls': empty array.`, `${at}.tool_calls`, 'empty_array');
}

function checkToolCall(call: Body, at: string): void {
  checkFields(call, { id: text, type: text, function: object }, `${at}.`);
  const fn = objectIn(call['function']);
  checkFields(fn, { name: text, arguments: text }, `${at}.function.`);
  for (const name of ['id', 'type'])
    if (call[name] === undefined)
      refuse(`Missing required parameter: '${at}.${name}'.`, `${at}.${name}`, 'missing_required_parameter');
  for (const name of ['name', 'arguments'])
    if (fn[name] === undefined)
      refuse(
        `Missing required parameter: '${at}.function.${name}'.`,
        `${at}.function.${name}`,
        'missing_required_parameter',
      );
}

function checkPart(part: unknown, at: string, model: SimulatedModel): void {
  const type = isObject(part) ? String(part['type']) : '';
  const fields = partFields[type];
  if (!isObject(part) || fields === undefined) {
    refuse(
      `Invalid value: '${type}'. Supported values are: ${Object.keys(partFields).join(', ')}.`,
      `${at}.type`,
      'invalid_value',
    );
  }
  checkFields(part, fields, `${at}.`);
  if (type !== 'image_url') return;
  checkFields(objectIn(part['image_url']), { url: text, detail: text }, `${at}.image_url.`);
  if (!model.capabilities.includes('vision')) {
    refuse('Invalid content type. image_url is only supported by certain models.', `${at}.type`);
  }
}
