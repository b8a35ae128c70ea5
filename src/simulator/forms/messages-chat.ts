import { type Body, isObject, objectIn, objectsIn, textIn } from '../openai/body.ts';

/** A request of Anthropic's Messages API as the chat completion that servers make of it. */
export function chatOfMessages(body: Body): Body {
  const { model, stream, temperature, top_p: topP, top_k: topK } = body;
  const thinking = objectIn(body['thinking'])['type'];
  const tools = objectsIn(body['tools']).map(chatTool);
  return {
    model,
    stream,
    temperature,
    top_p: topP,
    top_k: topK,
    messages: [...systemMessages(body['system']), ...objectsIn(body['messages']).flatMap(chatMessages)],
    max_tokens: body['max_tokens'],
    stop: body['stop_sequences'],
    ...(tools.length > 0 ? { tools, tool_choice: chatToolChoice(objectIn(body['tool_choice'])) } : {}),
    ...(thinking === 'disabled' ? { reasoning_effort: 'none' } : {}),
  };
}

function systemMessages(system: unknown): Body[] {
  const text = typeof system === 'string' ? system : textOf(objectsIn(system));
  return text === '' ? [] : [{ role: 'system', content: text }];
}

function textOf(blocks: readonly Body[]): string {
  return blocks.map((block) => (block['type'] === 'text' ? (textIn(block['text']) ?? '') : '')).join('');
}

/** Results of tools become messages of their own, before what else the message says. */
function chatMessages(message: Body): Body[] {
  const { role, content } = message;
  if (!Array.isArray(content)) return [{ role, content }];
  const blocks = objectsIn(content);
  const results = blocks.filter((block) => block['type'] === 'tool_result').map(toolMessage);
  const parts = blocks.flatMap(chatPart);
  const calls = blocks.filter((block) => block['type'] === 'tool_use').map(toolCall);
  if (parts.length === 0 && calls.length === 0) return results;
  const text = parts.every((part) => part['type'] === 'text') ? textOf(parts) : parts;
  return [...results, { role, content: text, ...(calls.length > 0 ? { tool_calls: calls } : {}) }];
}

function chatPart(block: Body): Body[] {
  if (block['type'] === 'text') return [{ type: 'text', text: block['text'] }];
  if (block['type'] !== 'image') return [];
  const { type, url, data, media_type: mediaType } = objectIn(block['source']);
  const address = type === 'url' ? url : `data:${String(mediaType)};base64,${String(data)}`;
  return [{ type: 'image_url', image_url: { url: address } }];
}

function toolCall(block: Body): Body {
  const { id, name, input } = block;
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function toolMessage(block: Body): Body {
  const { content } = block;
  const parts = objectsIn(content).flatMap(chatPart);
  const hasImages = parts.some((part) => part['type'] === 'image_url');
  const said = typeof content === 'string' ? content : hasImages ? parts : textOf(parts);
  return { role: 'tool', tool_call_id: block['tool_use_id'], content: said };
}

function chatTool(tool: Body): Body {
  const { name, description, input_schema: parameters } = tool;
  return { type: 'function', function: { name, description, parameters } };
}

function chatToolChoice(choice: Body): unknown {
  const { type, name } = choice;
  if (type === 'any') return 'required';
  if (type === 'tool') return { type: 'function', function: { name } };
  return type === 'none' ? 'none' : 'auto';
}

/** Whether a message holds an image, in itself or in a tool's result. */
export function hasImages(messages: readonly Body[]): boolean {
  const parts = messages.flatMap((message) => objectsIn(message['content']));
  return parts.some((part) => isObject(part) && part['type'] === 'image_url');
}
