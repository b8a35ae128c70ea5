import type { Endpoint } from '../../src/domain/endpoint.ts';
import { type Outcome, RequestRecord } from '../../src/domain/request-record.ts';
import { createLog, type Log, type LogOptions } from '../../src/telemetry/log.ts';

/** What a record of the tests has beside what every one has. */
export interface Facts {
  readonly id?: string;
  readonly method?: string;
  readonly path?: string;
  readonly agent?: string;
  readonly address?: string;
  readonly key?: string;
  readonly outcome?: Outcome;
  readonly status?: number;
  readonly totalMs?: number;
  readonly fields?: Partial<
    Pick<RequestRecord, 'route' | 'model' | 'decision' | 'firstPieceMs' | 'timings' | 'tokens' | 'error'>
  >;
  readonly tried?: readonly string[];
}

/** An endpoint of this name. */
export function endpointCalled(name: string): Endpoint {
  return { url: `http://${name}:11434`, name, kind: 'ollama', base: `http://${name}:11434`, cloud: false };
}

/** Sent where the model was in memory, `atMs` after it was received. */
export function sentTo(name: string, model: string, atMs: number): RequestRecord['decision'] {
  return { endpoint: endpointCalled(name), model, reason: 'loaded_free_slot', loaded: true, considered: [], atMs };
}

/** Tokens as an endpoint counted them, or as they were estimated. */
export function counted(promptTokens: number, completionTokens: number, estimated = false): RequestRecord['tokens'] {
  return { promptTokens, completionTokens, promptEstimated: estimated, completionEstimated: estimated };
}

/** A request that is over. */
export function recordOf(facts: Facts = {}): RequestRecord {
  const { id = 'r-81ee', method = 'POST', path = '/api/chat', agent = 'aider', address = '10.0.0.7', key } = facts;
  let now = 0;
  const received = { id, method, path, client: { agent, address, key }, traceparent: undefined };
  const record = new RequestRecord(received, 0, () => now);
  Object.assign(record, facts.fields);
  for (const name of facts.tried ?? [])
    record.failedTries.push({ endpoint: endpointCalled(name), kind: 'broken', message: 'broke off' });
  now = facts.totalMs ?? 1_500;
  record.end(facts.outcome ?? 'ok', facts.status ?? 200);
  return record;
}

/** The lines that `say` leads to; everything is told, at 14:05:31 on one day. */
export function linesOf(say: (log: Log) => void, options: Partial<LogOptions> = {}): string[] {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  say(createLog({ level: 'debug', format: 'pretty', now: () => Date.UTC(2026, 6, 1, 14, 5, 31), ...options, write }));
  return lines;
}
