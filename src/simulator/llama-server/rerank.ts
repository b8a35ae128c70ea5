import { numberIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import { ranked } from '../rerank.ts';
import { countTokens } from '../text.ts';
import { json } from './answers.ts';
import { refuseOversized } from './embeddings.ts';
import type { Work } from './infer.ts';
import { contextOverflow } from './refusals.ts';

/** POST /rerank and its other names: Jina's form, or that of text-embeddings-inference where the body has `texts`. */
export async function rerank(work: Work): Promise<void> {
  const { host, loaded, body, exchange } = work;
  if (!loaded.model.capabilities.includes('rerank')) {
    throw new ApiFailure(501, 'This server does not support reranking. Start it with `--reranking`');
  }
  const { query } = body;
  if (query === undefined) throw new ApiFailure(400, '"query" must be provided');
  if (typeof query !== 'string') throw new ApiFailure(400, '"query" must be a string');
  const documents = documentsIn(body['documents'] ?? body['texts']);
  const pairs = documents.map((document) => `${query}\n${document}`);
  refuseOversized(pairs, host.options.batchTokens ?? Number.POSITIVE_INFINITY);
  const longest = Math.max(...pairs.map(countTokens));
  if (longest >= loaded.contextLength) throw contextOverflow(longest, loaded.contextLength);
  const tokens = pairs.reduce((sum, pair) => sum + countTokens(pair), 0);
  await host.read(loaded, tokens, exchange);
  const found = ranked(query, documents, numberIn(body['top_n'])).map(({ index, score }) => ({
    index,
    score: 12 * score - 6,
  }));
  if (body['texts'] !== undefined) {
    const withText = body['return_text'] === true;
    await json(
      exchange,
      found.map(({ index, score }) => ({ index, score, ...(withText ? { text: documents[index] } : {}) })),
    );
    return;
  }
  const results = found.map(({ index, score }) => ({ index, relevance_score: score }));
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  await json(exchange, { model: body['model'] ?? loaded.model.name, object: 'list', usage, results });
}

/** Anything but texts is as nothing. */
function documentsIn(value: unknown): readonly string[] {
  const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
  if (!isList) throw new ApiFailure(400, '"documents" must be a non-empty string array');
  return value;
}
