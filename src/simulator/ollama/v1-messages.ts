import type { Exchange } from '../exchange.ts';
import { exchangeId } from '../exchange-id.ts';
import { chatOfMessages } from '../forms/messages-chat.ts';
import { MessagesForm } from '../forms/messages-form.ts';
import { anthropicError, ollamaMessages } from '../forms/messages-styles.ts';
import type { Host } from '../host.ts';
import { type Body, objectIn, objectsIn } from '../openai/body.ts';
import { countTokens } from '../text.ts';
import { chat } from './chat.ts';
import { nativeChat } from './chat-request.ts';
import { OllamaFailure } from './failure.ts';
import { FormSink } from './form-sink.ts';
import { decodeBody, goAny, goBool, goFloat, goInt, goList, goMap, goString, goStruct } from './go-decode.ts';
import { middleware } from './middleware.ts';
import { type ChatRequest, goImage } from './requests.ts';

const messagesRequest = goStruct('anthropic.MessagesRequest', {
  model: goString,
  max_tokens: goInt,
  messages: goList(goStruct('anthropic.MessageParam', { role: goString, content: goAny })),
  system: goAny,
  stream: goBool,
  temperature: goFloat,
  top_p: goFloat,
  top_k: goInt,
  stop_sequences: goList(goString),
  tools: goList(goMap),
  tool_choice: goMap,
  thinking: goMap,
  metadata: goMap,
  output_config: goStruct('anthropic.OutputConfig', { effort: goString }),
});

/** POST /v1/messages. */
export async function v1Messages(host: Host, exchange: Exchange): Promise<void> {
  const error = (status: number, message: string) => anthropicError(status, message, `req_${exchangeId(exchange, 24)}`);
  await middleware(
    exchange,
    () => {
      const request = decodeBody(exchange.text, messagesRequest);
      refuseIncomplete(request);
      for (const message of request.messages ?? []) checkBlocks(message.content);
      const converted = { ...nativeChat(chatOfMessages(request)), think: thinkOf(host, request) };
      const form = new MessagesForm(ollamaMessages, `msg_${exchangeId(exchange, 24)}`, request.model ?? '');
      const stream = request.stream === true;
      const sink = new FormSink({ exchange, form, stream, estimatedTokens: estimated(request), error });
      return { sink, work: () => chat(host, converted, sink, exchange) };
    },
    error,
  );
}

function refuseIncomplete(request: Body): void {
  const { model, max_tokens: maxTokens, messages } = request;
  if (!model) throw new OllamaFailure(400, 'model is required');
  if (typeof maxTokens !== 'number' || maxTokens <= 0) {
    throw new OllamaFailure(400, 'max_tokens is required and must be positive');
  }
  if (objectsIn(messages).length === 0) throw new OllamaFailure(400, 'messages is required');
}

/** Blocks it does not know are left out without a word. */
function checkBlocks(content: unknown): void {
  if (typeof content !== 'string' && !Array.isArray(content)) {
    throw new OllamaFailure(400, 'json: cannot unmarshal content into Go value of type []anthropic.ContentBlock');
  }
  for (const block of objectsIn(content)) {
    const { type, id, name, source } = block;
    if (type === 'image') checkSource(source);
    if (type === 'tool_use' && !id) throw new OllamaFailure(400, "tool_use block missing required 'id' field");
    if (type === 'tool_use' && !name) throw new OllamaFailure(400, "tool_use block missing required 'name' field");
    for (const part of objectsIn(block['content'])) if (part['type'] === 'image') checkSource(part['source']);
  }
}

function checkSource(source: unknown): void {
  if (source === undefined) throw new OllamaFailure(400, 'invalid image source');
  const { type, data } = objectIn(source);
  if (type !== 'base64') {
    throw new OllamaFailure(400, `invalid image source type: ${String(type)}. Only base64 images are supported.`);
  }
  try {
    goImage(data);
  } catch (error) {
    throw new OllamaFailure(400, `invalid base64 image data: ${error instanceof Error ? error.message : ''}`);
  }
}

/** A wish to think that the model cannot fulfil is dropped: the clients of this protocol always have it. */
function thinkOf(host: Host, request: Body): ChatRequest['think'] {
  const model = host.machine.find(String(request['model']));
  if (model?.capabilities.includes('thinking') !== true) return undefined;
  const { type } = objectIn(request['thinking']);
  if (type === 'enabled' || type === 'disabled') return type === 'enabled';
  const effort = String(objectIn(request['output_config'])['effort'] ?? '').replace('xhigh', 'high');
  return ['high', 'medium', 'low', 'max'].includes(effort) ? effort : undefined;
}

/** What it says of the prompt before it was read: a quarter of the letters. */
function estimated(request: Body): number {
  return Math.max(1, countTokens(JSON.stringify([request['system'] ?? '', request['messages']])));
}
