import { type Body, objectIn, objectsIn, textIn } from '../openai/body.ts';
import type { ChatRequest } from './requests.ts';
import { imageData, parsedArguments } from './v1-chat.ts';

type NativeMessage = NonNullable<ChatRequest['messages']>[number];

/** A chat completion that another protocol became, as Ollama's own request: text of one message together, images beside it. */
export function nativeChat(chat: Body): ChatRequest {
  const { model, stream, response_format: format } = chat;
  const options = {
    num_predict: chat['max_tokens'],
    temperature: chat['temperature'],
    top_p: chat['top_p'],
    top_k: chat['top_k'],
    stop: chat['stop'],
  };
  return {
    model: textIn(model),
    messages: objectsIn(chat['messages']).map(nativeMessage),
    stream: stream === true,
    tools: objectsIn(chat['tools']).map(nativeTool),
    format: objectIn(objectIn(format)['json_schema'])['schema'],
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null)),
  };
}

function nativeMessage(message: Body): NativeMessage {
  const { role, content, tool_calls: calls, tool_call_id: id } = message;
  const parts = objectsIn(content);
  const images = parts.filter((part) => part['type'] === 'image_url').map((part) => imageData(urlOf(part)));
  const text = typeof content === 'string' ? content : parts.map((part) => textIn(part['text']) ?? '').join('');
  return {
    role: textIn(role),
    content: text,
    thinking: undefined,
    images: images.length > 0 ? images : undefined,
    tool_calls: Array.isArray(calls) ? objectsIn(calls).map(nativeCall) : undefined,
    tool_name: undefined,
    tool_call_id: textIn(id),
  };
}

function urlOf(part: Body): string {
  return textIn(objectIn(part['image_url'])['url']) ?? '';
}

function nativeCall(call: Body): NonNullable<NativeMessage['tool_calls']>[number] {
  const { name, arguments: args } = objectIn(call['function']);
  return {
    id: textIn(call['id']),
    function: { index: undefined, name: textIn(name), arguments: parsedArguments(textIn(args) ?? '') },
  };
}

function nativeTool(tool: Body): NonNullable<ChatRequest['tools']>[number] {
  const { name, description, parameters } = objectIn(tool['function']);
  const { type, properties } = objectIn(parameters);
  const schema = { type: textIn(type), required: undefined, properties: objectIn(properties) };
  const fn = { name: textIn(name), description: textIn(description), parameters: schema };
  return { type: 'function', items: undefined, function: fn };
}
