import type { LoadedModel } from '../loaded-model.ts';
import { ApiFailure } from '../openai/failure.ts';
import { promptsOf } from '../openai/read-call.ts';
import { base64Vector } from '../openai/vector.ts';
import { countTokens } from '../text.ts';
import { json } from './answers.ts';
import type { Work } from './infer.ts';
import { contextOverflow } from './refusals.ts';

/** POST /v1/embeddings. */
export async function embeddings(work: Work): Promise<void> {
  const { host, loaded, body, exchange } = work;
  if (host.options.embeddings !== true) {
    throw new ApiFailure(501, 'This server does not support embeddings. Start it with `--embeddings`');
  }
  const input = body['input'] ?? body['content'];
  const format = body['encoding_format'] ?? 'float';
  if (input === undefined) throw new ApiFailure(400, '"input" or "content" must be provided');
  if (Array.isArray(input) && input.length === 0) throw new ApiFailure(400, '"input" must not be empty');
  if (format !== 'float' && format !== 'base64') {
    throw new ApiFailure(400, 'The format to return the embeddings in. Can be either float or base64');
  }
  const texts = promptsOf(input);
  refuseOverlong(texts, loaded, host.options.batchTokens);
  const { vectors, promptTokens } = await host.embed(loaded, texts, exchange);
  const data = vectors.map((vector, index) => {
    if (format === 'float') return { embedding: vector, index, object: 'embedding' };
    return { embedding: base64Vector(vector), index, object: 'embedding', encoding_format: 'base64' };
  });
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  await json(exchange, { model: loaded.model.name, object: 'list', usage, data });
}

/** Refuses texts that do not fit a batch, or a slot. */
export function refuseOverlong(texts: readonly string[], loaded: LoadedModel, batchTokens: number | undefined): void {
  const longest = Math.max(0, ...texts.map(countTokens));
  const context = loaded.contextLength;
  const batch = batchTokens ?? context;
  const hint = 'increase the physical batch size';
  if (longest > batch) {
    throw new ApiFailure(
      500,
      `input (${longest} tokens) is too large to process. ${hint} (current batch size: ${batch})`,
    );
  }
  if (longest <= context) return;
  const text = `input (${longest} tokens) is larger than the max context size (${context} tokens). skipping`;
  throw contextOverflow(longest, context, text);
}
