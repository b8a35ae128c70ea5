import type { Spending, TokenCount } from '../ledger.ts';
import type { Database } from './database.ts';
import type { Batch, StoredRequest } from './messages.ts';
import { metaOf, setMeta } from './meta.ts';

const COUNT = `
INSERT INTO token_counts (endpoint, model, input_tokens, output_tokens, total_tokens) VALUES (?1, ?2, ?3, ?4, ?3 + ?4)
ON CONFLICT (endpoint, model) DO UPDATE SET
  input_tokens = COALESCE(input_tokens, 0) + ?3,
  output_tokens = COALESCE(output_tokens, 0) + ?4,
  total_tokens = COALESCE(total_tokens, 0) + ?3 + ?4`;
const ESTIMATE = `
INSERT INTO router_estimates (endpoint, model, input_tokens) VALUES (?1, ?2, ?3)
ON CONFLICT (endpoint, model) DO UPDATE SET input_tokens = input_tokens + ?3`;
const SPENDING = `
INSERT INTO token_time_series (endpoint, model, input_tokens, output_tokens, total_tokens, timestamp)
VALUES (?1, ?2, ?3, ?4, ?3 + ?4, ?5)`;
const REQUEST = `
INSERT INTO router_requests (received_at, id, asked, model, endpoint, outcome, client, record) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** Writes a batch in one transaction. One that is in the file already, because its receipt was lost, is left alone. */
export function writeBatch(database: Database, { id, spendings, requests, lost }: Batch): void {
  database.within(() => {
    if (metaOf(database, 'last_batch') === id) return;
    for (const count of lost) addCount(database, count);
    for (const spending of spendings) addSpending(database, spending);
    for (const request of requests) addRequest(database, request);
    setMeta(database, 'last_batch', id);
  });
}

function addCount(database: Database, count: TokenCount): void {
  const { endpoint, model, inputTokens, outputTokens, estimatedInputTokens } = count;
  database.run(COUNT, endpoint, model, inputTokens, outputTokens);
  if (estimatedInputTokens > 0) database.run(ESTIMATE, endpoint, model, estimatedInputTokens);
}

/** The count first: the Python router's time series may refer to it. */
function addSpending(database: Database, spending: Spending): void {
  addCount(database, spending);
  const { endpoint, model, inputTokens, outputTokens, second } = spending;
  database.run(SPENDING, endpoint, model, inputTokens, outputTokens, second);
}

function addRequest(database: Database, request: StoredRequest): void {
  const { receivedAt, id, asked, model, endpoint, outcome, client, record } = request;
  const facts = [asked, model, endpoint, outcome, client].map((fact) => fact ?? null);
  database.run(REQUEST, receivedAt, id, ...facts, record);
}
