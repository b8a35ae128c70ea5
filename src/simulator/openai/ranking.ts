import type { Body } from './body.ts';

/** What a ranking is told with. */
export interface Ranking {
  readonly id: string;
  readonly body: Body;
  readonly tokens: number;
  /** Best first. */
  readonly results: readonly { readonly index: number; readonly score: number; readonly text: string }[];
}

/** Jina's answer: the documents with it, unless told otherwise. */
export function jinaRanking({ body, tokens, results }: Ranking): object {
  const withText = body['return_documents'] !== false;
  return {
    model: body['model'],
    object: 'list',
    usage: { total_tokens: tokens, prompt_tokens: tokens },
    results: results.map(({ index, score, text }) => ({
      index,
      relevance_score: score,
      ...(withText ? { document: { text } } : {}),
    })),
  };
}

/** vLLM's answer: always with the documents. */
export function vllmRanking({ id, body, tokens, results }: Ranking): object {
  return {
    id: `rerank-${id}`,
    model: body['model'],
    usage: { prompt_tokens: tokens, total_tokens: tokens },
    results: results.map(({ index, score, text }) => ({
      index,
      document: { text, multi_modal: null },
      relevance_score: score,
    })),
  };
}
