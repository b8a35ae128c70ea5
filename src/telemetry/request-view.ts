import type { RequestRecord } from '../domain/request-record.ts';
import { type Redactor, redactor } from './log/redact.ts';

const MOST_SAID = 300;
const MOST_NAMED = 200;

/** Shows a record as `/router/requests` does. */
export type RequestView = (record: RequestRecord) => object;

/** The view of requests in which no secret stands, whoever repeats one. */
export function requestViewer(secrets: readonly string[]): RequestView {
  const redact = redactor(secrets);
  return (record) => requestView(record, redact);
}

/** Times in milliseconds, null for what is not known (yet). */
function requestView(record: RequestRecord, redact: Redactor): object {
  /** Servers repeat requests in their errors: what they say is told without that. */
  const said = (message: string) => redact.saying(message, MOST_SAID);
  const { decision, tokens, error, client } = record;
  return {
    id: record.id,
    received_at: new Date(record.receivedAt).toISOString(),
    state: stateOf(record),
    method: record.method,
    api: record.route ?? null,
    model: record.model === undefined ? null : redact.name(record.model, MOST_NAMED),
    streaming: record.streaming,
    client: { address: client.address, agent: client.agent, key: client.key ?? null },
    endpoint: decision?.endpoint.name ?? null,
    endpoint_url: decision?.endpoint.url ?? null,
    listed_model: decision?.model ?? null,
    route_reason: decision?.reason ?? null,
    considered: decision?.considered.map(({ inFlight, ...rest }) => ({ ...rest, in_flight: inFlight })) ?? [],
    retries: record.failedTries.map(({ endpoint, message }) => ({ endpoint: endpoint.name, message: said(message) })),
    outcome: isOver(record) ? (record.outcome ?? null) : null,
    status: record.status === 0 ? null : record.status,
    error: error === undefined ? null : { code: error.code ?? null, message: said(error.message) },
    queue_ms: rounded(record.waitMs),
    load_ms: rounded(record.loadMs),
    ttft_ms: rounded(record.firstPieceMs),
    time_per_output_token_ms: rounded(record.timePerOutputTokenMs),
    total_ms: rounded(record.totalMs ?? record.elapsedMs),
    input_tokens: tokens?.promptTokens ?? null,
    output_tokens: tokens?.completionTokens ?? null,
    input_tokens_estimated: tokens?.promptEstimated ?? false,
    output_tokens_estimated: tokens?.completionEstimated ?? false,
  };
}

/** What a client is called: its program, or else its address. */
export function clientName({ client }: RequestRecord): string {
  return client.agent || client.address;
}

/** What it failed with is known before its client has been told. */
function isOver({ totalMs }: RequestRecord): boolean {
  return totalMs !== undefined;
}

/** `loading`: its model was not in memory when it was placed, and nothing of a streamed answer has come. */
function stateOf(record: RequestRecord): 'waiting' | 'loading' | 'answering' | 'over' {
  const { decision, firstPieceMs } = record;
  if (isOver(record)) return 'over';
  if (decision === undefined) return 'waiting';
  return decision.loaded || firstPieceMs !== undefined ? 'answering' : 'loading';
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1000) / 1000;
}
