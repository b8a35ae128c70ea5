import { type Body, isObject, objectIn, objectsIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { boolean, type Check, integer, list, number, object, text } from '../openai/strict-fields.ts';

/** Every field of a request, with what Anthropic checks of it. */
const fields: Readonly<Record<string, Check>> = {
  model: text,
  messages: list,
  max_tokens: integer(1),
  system: (value) => (typeof value === 'string' || Array.isArray(value) ? undefined : 'a string or a list'),
  stream: boolean,
  temperature: number(0, 2),
  top_p: number(0, 1),
  top_k: integer(0),
  stop_sequences: list,
  tools: list,
  tool_choice: object,
  thinking: object,
  metadata: object,
  output_config: object,
  service_tier: text,
  container: text,
  context_management: object,
};

const blocks: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  image: ['source'],
  document: ['source'],
  tool_use: ['id', 'name', 'input'],
  tool_result: ['tool_use_id'],
  thinking: ['thinking', 'signature'],
  redacted_thinking: ['data'],
};

/** Refuses what is no request; `strict`: all that Anthropic itself refuses, unknown fields too. */
export function checkMessagesBody(body: Body, strict: boolean): void {
  for (const name of ['model', 'max_tokens', 'messages'])
    if (body[name] === undefined) refuse(`${name}: Field required`);
  for (const [name, value] of Object.entries(body)) {
    const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (check === undefined) {
      if (strict) refuse(`${name}: Extra inputs are not permitted`);
      continue;
    }
    const wrong = check(value);
    if (wrong !== undefined) refuse(`${name}: Input should be valid: ${wrong}`);
  }
  const messages = objectsIn(body['messages']);
  if (messages.length === 0) refuse('messages: at least one message is required');
  for (const [i, message] of messages.entries())
    checkMessage(message, `messages.${i}`, strict ? (messages[i - 1] ?? {}) : undefined);
  for (const [i, tool] of objectsIn(body['tools']).entries()) checkTool(tool, `tools.${i}`);
  if (strict) checkStrictly(body);
}

function checkStrictly(body: Body): void {
  const wrong = number(0, 1)(body['temperature'] ?? 1);
  if (wrong !== undefined) refuse(`temperature: Input should be valid: ${wrong}`);
  checkThinking(objectIn(body['thinking']), body['max_tokens']);
}

/** `before` is the message before it, where results of tools are held against it. */
function checkMessage(message: Body, at: string, before: Body | undefined): void {
  const { role, content } = message;
  if (role !== 'user' && role !== 'assistant') {
    const hint = 'The Messages API accepts a top-level `system` parameter, not "system" as an input message role.';
    refuse(
      role === 'system'
        ? `messages: Unexpected role "system". ${hint}`
        : `${at}.role: Input should be 'user' or 'assistant'`,
    );
  }
  if (typeof content === 'string' ? content === '' : !Array.isArray(content) || content.length === 0) {
    refuse(`${at}: all messages must have non-empty content`);
  }
  if (!Array.isArray(content)) return;
  const calls = before && objectsIn(before['content']).map((block) => block['id']);
  for (const [j, block] of content.entries()) checkBlock(block, `${at}.content.${j}`, calls);
}

function checkBlock(block: unknown, at: string, calls: readonly unknown[] | undefined): void {
  const type = isObject(block) ? String(block['type']) : '';
  const required = Object.hasOwn(blocks, type) ? blocks[type] : undefined;
  if (!isObject(block) || required === undefined) {
    const tags = Object.keys(blocks).map((tag) => `'${tag}'`);
    refuse(`${at}: Input tag '${type}' found using 'type' does not match any of the expected tags: ${tags.join(', ')}`);
  }
  const isStrict = calls !== undefined;
  for (const name of isStrict ? required : required.slice(0, 1))
    if (block[name] === undefined) refuse(`${at}.${type}.${name}: Field required`);
  if (type === 'image' && isStrict) checkSource(objectIn(block['source']), `${at}.image.source`);
  if (type === 'tool_result' && calls?.includes(block['tool_use_id']) === false) {
    const rule = 'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.';
    refuse(
      `${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(block['tool_use_id'])}. ${rule}`,
    );
  }
}

function checkSource(source: Body, at: string): void {
  const { type, data, media_type: mediaType, url } = source;
  if (type === 'url' && typeof url === 'string') return;
  if (type !== 'base64')
    refuse(
      `${at}: Input tag '${String(type)}' found using 'type' does not match any of the expected tags: 'base64', 'url'`,
    );
  if (!/^image\/(jpeg|png|gif|webp)$/.test(String(mediaType))) {
    refuse(`${at}.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`);
  }
  if (typeof data !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(data))
    refuse(`${at}.base64.data: invalid base64 data`);
}

function checkTool(tool: Body, at: string): void {
  if (typeof tool['name'] !== 'string') refuse(`${at}.name: Field required`);
  // A server's own tool names its type and has no schema.
  if ((tool['type'] ?? 'custom') === 'custom' && !isObject(tool['input_schema']))
    refuse(`${at}.custom.input_schema: Field required`);
}

function checkThinking(thinking: Body, maxTokens: unknown): void {
  const { type, budget_tokens: budget } = thinking;
  if (type === undefined || type === 'disabled' || type === 'adaptive') return;
  if (type !== 'enabled')
    refuse(
      `thinking: Input tag '${String(type)}' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'`,
    );
  if (typeof budget !== 'number' || budget < 1024) {
    refuse('thinking.enabled.budget_tokens: Input should be greater than or equal to 1024');
  }
  if (typeof maxTokens === 'number' && maxTokens <= budget)
    refuse('`max_tokens` must be greater than `thinking.budget_tokens`.');
}

function refuse(message: string): never {
  throw new ApiFailure(400, message);
}
