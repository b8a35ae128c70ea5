import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { SimulatedModel } from '../simulation.ts';
import { chat } from './chat.ts';
import { embed } from './embed.ts';
import { generate } from './generate.ts';
import { decodeBody } from './go-decode.ts';
import { goJson } from './go-json.ts';
import { middleware } from './middleware.ts';
import { shownName } from './models.ts';
import { parseName } from './name.ts';
import { openAiChatRequest, openAiCompletionRequest, openAiEmbedRequest } from './requests.ts';
import { plainJsonType } from './sink.ts';
import { ChatConversion, fromChatCompletion } from './v1-chat.ts';
import { CompletionConversion, fromCompletion } from './v1-completion.ts';
import { checkEmbedding, EmbeddingConversion } from './v1-embedding.ts';
import { V1Sink, v1Error } from './v1-sink.ts';
import { since } from './version.ts';

/** POST /v1/chat/completions. */
export async function v1Chat(host: Host, exchange: Exchange): Promise<void> {
  await middleware(exchange, () => {
    const request = decodeBody(exchange.text, openAiChatRequest);
    const converted = fromChatCompletion(request);
    const includeUsage = request.stream_options?.include_usage === true;
    const isNew = since(host.options.version, '0.32.6');
    const conversion = new ChatConversion(`chatcmpl-${smallNumber()}`, includeUsage, isNew);
    const sink = new V1Sink(exchange, conversion, request.stream === true);
    return { sink, work: () => chat(host, converted, sink, exchange) };
  });
}

/** POST /v1/completions. */
export async function v1Completion(host: Host, exchange: Exchange): Promise<void> {
  await middleware(exchange, () => {
    const request = decodeBody(exchange.text, openAiCompletionRequest);
    const converted = fromCompletion(request);
    const includeUsage = request.stream_options?.include_usage === true;
    const conversion = new CompletionConversion(`cmpl-${smallNumber()}`, includeUsage);
    const sink = new V1Sink(exchange, conversion, request.stream === true);
    return { sink, work: () => generate(host, converted, sink, exchange) };
  });
}

/** POST /v1/embeddings. */
export async function v1Embedding(host: Host, exchange: Exchange): Promise<void> {
  await middleware(exchange, () => {
    const { model, input, dimensions, encoding_format } = decodeBody(exchange.text, openAiEmbedRequest);
    checkEmbedding(input, encoding_format);
    // Here an empty text is embedded, unlike on /api/embed.
    const converted = { model, input: input === '' ? [''] : input, dimensions };
    const sink = new V1Sink(exchange, new EmbeddingConversion(encoding_format), false);
    return { sink, work: () => embed(host, converted, sink, exchange) };
  });
}

/** GET /v1/models: `data` is null without models. */
export async function v1Models(host: Host, exchange: Exchange): Promise<void> {
  const models = [...host.machine.models].sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime());
  const data = models.length === 0 ? null : models.map((model) => item(model, model.name));
  await exchange.send(200, plainJsonType, `${goJson({ object: 'list', data })}\n`);
}

/** GET /v1/models/:model. */
export async function v1Model(host: Host, exchange: Exchange, name: string): Promise<void> {
  const model = host.machine.find(name);
  if (model === undefined) {
    const error = v1Error(404, `model '${shownName(host, name)}' not found`);
    return exchange.send(404, plainJsonType, `${goJson(error)}\n`);
  }
  return exchange.send(200, plainJsonType, `${goJson(item(model, name))}\n`);
}

function item(model: SimulatedModel, id: string): object {
  const created = Math.floor(model.modifiedAt.getTime() / 1000);
  return { id, object: 'model', created, owned_by: parseName(model.name)?.namespace ?? 'library' };
}

/** Ollama's ids repeat: there are 999 of them. */
function smallNumber(): number {
  return Math.floor(Math.random() * 999);
}
