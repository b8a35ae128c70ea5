import { type Message, renderPrompt } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import { OllamaFailure } from './failure.ts';
import { readOptions } from './options.ts';
import type { Part } from './parts.ts';
import type { ChatRequest } from './requests.ts';
import { debugObject, doneObject, respond, toolCallText } from './respond.ts';
import { formatOrFailure, promptOrFailure, sightFailed } from './runner-refusals.ts';
import { findModel, modelIsRequired, readThink, requireCapabilities, schedule } from './schedule.ts';
import type { Sink } from './sink.ts';
import { since } from './version.ts';

const emptyMessage = { message: { role: 'assistant', content: '' } };

/** POST /api/chat, for itself and under `/v1/chat/completions`. */
export async function chat(host: Host, request: ChatRequest, sink: Sink, exchange: Exchange): Promise<void> {
  const startedAt = performance.now();
  checkTopLogprobs(request.top_logprobs);
  const name = request.model ?? '';
  const model = findModel(host, name, modelIsRequired);
  const messages = (request.messages ?? []).map(neutral);
  if (messages.length === 0 && request.keep_alive === 0) {
    host.machine.unload(model);
    return sink.json(200, doneObject(name, emptyMessage, 'unload'));
  }
  const tools = request.tools ?? [];
  const think = readThink(model, name, request.think);
  requireCapabilities(model, name, tools.length > 0 ? ['completion', 'tools'] : ['completion'], 'chat');
  using use = await schedule(host, model, request, exchange);
  const loadedAt = performance.now();
  if (messages.length === 0) return sink.json(200, doneObject(name, emptyMessage, 'load'));
  const prompt = renderPrompt(messages);
  const images = messages.reduce((sum, message) => sum + message.images, 0);
  if (request._debug_render_only === true) return sink.json(200, debugObject(name, emptyMessage, prompt, images));
  const { numPredict, stop, seed } = readOptions(request.options);
  const format = await formatOrFailure(request, sink);
  const limits = { isNew: since(host.options.version, '0.30.0'), context: use.loaded.contextLength };
  const fitting = await promptOrFailure(limits, prompt, request, sink, messages);
  if (format === undefined || fitting === undefined) return;
  if (limits.isNew && images > 0 && (await sightFailed(model, request, sink))) return;
  const call = {
    model,
    prompt: fitting,
    messages,
    tools: tools.map((tool) => ({ name: tool.function?.name ?? '', parameters: tool.function?.parameters })),
    toolChoice: 'auto',
    think,
    schema: format.schema,
    stop,
    maxTokens: numPredict > 0 ? numPredict : Number.POSITIVE_INFINITY,
    ...(seed === undefined ? {} : { seed }),
  } as const;
  await respond({
    host,
    loaded: use.loaded,
    call,
    exchange,
    sink,
    modelName: name,
    stream: request.stream !== false,
    topLogprobs: request.logprobs === true ? (request.top_logprobs ?? 0) : undefined,
    shape: chatShape,
    startedAt,
    loadedAt,
  });
}

type NativeMessage = NonNullable<ChatRequest['messages']>[number];

function neutral(message: NativeMessage): Message {
  return {
    role: (message.role ?? '').toLowerCase(),
    text: `${message.content ?? ''}${toolCallText(message.tool_calls)}`,
    images: message.images?.length ?? 0,
  };
}

function chatShape(part: Part): object {
  return {
    message: { role: 'assistant', content: part.text, thinking: part.thinking, tool_calls: part.toolCalls },
  };
}

export function checkTopLogprobs(count: number | undefined): void {
  if (count !== undefined && (count < 0 || count > 20)) {
    throw new OllamaFailure(400, 'top_logprobs must be between 0 and 20');
  }
}
