import type { LoadedModel } from '../loaded-model.ts';
import { ApiFailure } from '../openai/failure.ts';
import { base64Vector } from '../openai/vector.ts';
import { countTokens } from '../text.ts';
import { json } from './answers.ts';
import type { Work } from './infer.ts';
import { wrongType } from './json-error.ts';
import { readPrompts } from './prompts.ts';
import { contextOverflow } from './refusals.ts';

/** POST /v1/embeddings. */
export async function embeddings(work: Work): Promise<void> {
  // Whoever writes `content` speaks the server's own language.
  if (work.body['input'] === undefined && work.body['content'] !== undefined) return ownEmbeddings(work);
  const { vectors, promptTokens, format } = await embedded(work);
  const data = vectors.map((vector, index) => {
    if (format === 'float') return { embedding: vector, index, object: 'embedding' };
    return { embedding: base64Vector(vector), index, object: 'embedding', encoding_format: 'base64' };
  });
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens };
  await json(work.exchange, { model: work.loaded.model.name, object: 'list', usage, data });
}

/** POST /embeddings and /embedding: the server's own form, a list of lists of vectors. */
export async function ownEmbeddings(work: Work): Promise<void> {
  const { vectors } = await embedded(work);
  await json(
    work.exchange,
    vectors.map((vector, index) => ({ index, embedding: [vector] })),
  );
}

async function embedded({ host, loaded, body, exchange }: Work) {
  if (host.options.embeddings !== true) {
    throw new ApiFailure(501, 'This server does not support embeddings. Start it with `--embeddings`');
  }
  const { input = body['content'], encoding_format: format = 'float' } = body;
  if (input === undefined) throw new ApiFailure(400, '"input" or "content" must be provided');
  if (Array.isArray(input) && input.length === 0) throw new ApiFailure(400, '"input" must not be empty');
  if (typeof format !== 'string') throw new ApiFailure(500, wrongType('string', format));
  if (format !== 'float' && format !== 'base64') {
    throw new ApiFailure(400, 'The format to return the embeddings in. Can be either float or base64');
  }
  const texts = readPrompts(input, 500);
  refuseOverlong(texts, loaded, host.options.batchTokens);
  return { ...(await host.embed(loaded, texts, exchange)), format };
}

/** Refuses texts that do not fit a batch, or a slot. */
function refuseOverlong(texts: readonly string[], loaded: LoadedModel, batchTokens: number | undefined): void {
  const longest = Math.max(0, ...texts.map(countTokens));
  const context = loaded.contextLength;
  refuseOversized(texts, batchTokens ?? context);
  if (longest <= context) return;
  const text = `input (${longest} tokens) is larger than the max context size (${context} tokens). skipping`;
  throw contextOverflow(longest, context, text);
}

/** Refuses texts that do not fit a batch. */
export function refuseOversized(texts: readonly string[], batch: number): void {
  const longest = Math.max(0, ...texts.map(countTokens));
  if (longest <= batch) return;
  const hint = 'increase the physical batch size';
  throw new ApiFailure(
    500,
    `input (${longest} tokens) is too large to process. ${hint} (current batch size: ${batch})`,
  );
}
