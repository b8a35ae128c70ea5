import type { Exchange } from '../exchange.ts';
import type { Host } from '../host.ts';
import type { SimulatedModel } from '../simulation.ts';
import { countTokens, normalized } from '../text.ts';
import { OllamaFailure } from './failure.ts';
import { nanoseconds, unlessZero } from './go-json.ts';
import type { EmbedRequest } from './requests.ts';
import { findModel, modelIsRequired, schedule, scheduleFailure } from './schedule.ts';
import type { Sink } from './sink.ts';
import { since } from './version.ts';

/** POST /api/embed, for itself and under `/v1/embeddings`. */
export async function embed(host: Host, request: EmbedRequest, sink: Sink, exchange: Exchange): Promise<void> {
  const startedAt = performance.now();
  const name = request.model ?? '';
  const texts = textsOf(request.input);
  const model = findModel(host, name, new OllamaFailure(404, `model '${name}' not found`), true);
  using use = await schedule(host, model, request, exchange);
  const loadedAt = performance.now();
  if (texts.length === 0) return sink.json(200, { model: name, embeddings: [] });
  refuseNonEmbedding(host, model, 501);
  if (request.truncate === false && texts.some((text) => countTokens(text) > use.loaded.contextLength)) {
    throw new OllamaFailure(400, 'the input length exceeds the context length');
  }
  const cut = texts.map((text) => text.slice(0, 4 * use.loaded.contextLength));
  const { vectors, promptTokens } = await embedded(host.embed(use.loaded, cut, exchange));
  const dimensions = request.dimensions !== undefined && request.dimensions > 0 ? request.dimensions : undefined;
  return sink.json(200, {
    model: name,
    embeddings: vectors.map((vector) => normalized(vector, dimensions)),
    total_duration: nanoseconds(performance.now() - startedAt),
    load_duration: nanoseconds(loadedAt - startedAt),
    prompt_eval_count: unlessZero(promptTokens),
  });
}

/** POST /api/embeddings, the old form: one text, one vector, not normalised. */
export async function embeddings(
  host: Host,
  request: { readonly model: string | undefined; readonly prompt: string | undefined } & EmbedRequest,
  sink: Sink,
  exchange: Exchange,
): Promise<void> {
  const model = findModel(host, request.model, modelIsRequired, true);
  using use = await schedule(host, model, request, exchange);
  if (request.prompt === undefined || request.prompt === '') return sink.json(200, { embedding: [] });
  refuseNonEmbedding(host, model, 500);
  const { vectors } = await embedded(host.embed(use.loaded, [request.prompt], exchange));
  return sink.json(200, { embedding: vectors[0]?.map((x) => x * 17.25) });
}

async function embedded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw scheduleFailure(error);
  }
}

function textsOf(input: unknown): string[] {
  if (input === undefined || input === '') return [];
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input) || !input.every((item) => typeof item === 'string')) {
    throw new OllamaFailure(400, 'invalid input type');
  }
  return input;
}

/** 0.24 embeds with any model; since 0.30 its llama-server child refuses. */
function refuseNonEmbedding(host: Host, model: SimulatedModel, status: number): void {
  if (model.capabilities.includes('embedding') || !since(host.options.version, '0.30.0')) return;
  throw new OllamaFailure(status, 'This server does not support embeddings. Start it with `--embeddings`');
}
