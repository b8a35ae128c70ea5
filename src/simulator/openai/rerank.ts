import { exchangeId } from '../exchange-id.ts';
import { ranked } from '../rerank.ts';
import { countTokens } from '../text.ts';
import { isObject, numberIn, textIn } from './body.ts';
import type { Work } from './work.ts';

/** POST /v1/rerank. */
export async function rerank(work: Work): Promise<void> {
  const { host, exchange, dialect, body } = work;
  dialect.checkRerank(body);
  const model = dialect.model(host, body['model'], 'rerank');
  const query = String(body['query']);
  const documents = (Array.isArray(body['documents']) ? body['documents'] : []).map(textOfDocument);
  const pairs = documents.map((document) => `${query}\n${document}`);
  dialect.checkTexts(pairs, model, 'score');
  const tokens = pairs.reduce((sum, pair) => sum + countTokens(pair), 0);
  using use = await host.machine.use(model, {}, exchange.signal);
  await host.read(use.loaded, tokens, exchange);
  const results = ranked(query, documents, numberIn(body['top_n'])).map(({ index, score }) => {
    return { index, score, text: documents[index] ?? '' };
  });
  const answer = dialect.rankingAnswer({ id: exchangeId(exchange, 32), body, tokens, results });
  await exchange.send(200, dialect.style.jsonHeaders, JSON.stringify(answer));
}

function textOfDocument(document: unknown): string {
  return isObject(document) ? (textIn(document['text']) ?? '') : String(document);
}
