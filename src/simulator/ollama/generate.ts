import { renderPrompt } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { Capability } from '../simulation.ts';
import { countTokens, hash } from '../text.ts';
import { checkTopLogprobs } from './chat.ts';
import { OllamaFailure } from './failure.ts';
import { readOptions } from './options.ts';
import type { Part } from './parts.ts';
import type { GenerateRequest } from './requests.ts';
import { debugObject, doneObject, respond } from './respond.ts';
import { formatOrFailure, promptOrFailure, sightFailed } from './runner-refusals.ts';
import { findModel, readThink, requireCapabilities, schedule } from './schedule.ts';
import type { Sink } from './sink.ts';
import { since } from './version.ts';

/** POST /api/generate, for itself and under `/v1/completions`. */
export async function generate(host: Host, request: GenerateRequest, sink: Sink, exchange: Exchange): Promise<void> {
  const startedAt = performance.now();
  checkTopLogprobs(request.top_logprobs);
  const name = request.model ?? '';
  const model = findModel(host, name, new OllamaFailure(404, `model '${name}' not found`));
  const text = request.prompt ?? '';
  if (text === '' && request.keep_alive === 0) {
    host.machine.unload(model);
    return sink.json(200, doneObject(name, { response: '' }, 'unload'));
  }
  refuseRawWithTemplate(request);
  const think = readThink(model, name, request.think);
  const wanted: Capability[] =
    request.suffix === undefined || request.suffix === '' ? ['completion'] : ['completion', 'insert'];
  requireCapabilities(model, name, wanted, 'generate');
  using use = await schedule(host, model, request, exchange);
  const loadedAt = performance.now();
  if (text === '') return sink.json(200, doneObject(name, { response: '' }, 'load'));
  const messages = messagesOf(request, text);
  const prompt = rendered(request, text, messages);
  const images = request.images?.length ?? 0;
  if (request._debug_render_only === true) return sink.json(200, debugObject(name, { response: '' }, prompt, images));
  const { numPredict, stop, seed } = readOptions(request.options);
  const format = await formatOrFailure(request, sink);
  const limits = { isNew: since(host.options.version, '0.30.0'), context: use.loaded.contextLength };
  const fitting = await promptOrFailure(limits, prompt, request, sink);
  if (format === undefined || fitting === undefined) return;
  if (limits.isNew && images > 0 && (await sightFailed(model, request, sink))) return;
  const call = {
    model,
    prompt: fitting,
    messages,
    tools: [],
    toolChoice: 'none',
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
    shape: generateShape,
    finalFields: (said) => (request.raw === true ? {} : { context: contextOf(`${fitting}${said}`) }),
    startedAt,
    loadedAt,
  });
}

function refuseRawWithTemplate(request: GenerateRequest): void {
  const hasTemplate = Boolean(request.template) || Boolean(request.system) || (request.context?.length ?? 0) > 0;
  if (request.raw === true && hasTemplate) {
    throw new OllamaFailure(400, 'raw mode does not support template, system, or context');
  }
}

function messagesOf(request: GenerateRequest, text: string) {
  const system = request.system ? [{ role: 'system', text: request.system, images: 0 }] : [];
  return [...system, { role: 'user', text, images: request.images?.length ?? 0 }];
}

function rendered(request: GenerateRequest, text: string, messages: ReturnType<typeof messagesOf>): string {
  if (request.raw === true) return text;
  const before = request.context === undefined ? '' : `context ${request.context.join(' ')}\n`;
  const after = request.suffix ? `suffix: ${request.suffix}\n` : '';
  return `${before}${after}${renderPrompt(messages)}`;
}

/** Token numbers of prompt and answer: as many as there are tokens, up to a hundred. */
function contextOf(text: string): number[] {
  return Array.from(
    { length: Math.min(countTokens(text), 100) },
    (_, i) => hash(text.slice(4 * i, 4 * i + 4)) % 32_000,
  );
}

function generateShape(part: Part): object {
  return { response: part.text, thinking: part.thinking, tool_calls: part.toolCalls };
}
