import type { RequestRecord } from '../../domain/request-record.ts';
import { asJson, asWord, inLine } from './escape.ts';
import type { Redactor } from './redact.ts';

/** Characters that a text from outside may have in a line. */
const LIMITS = { path: 200, model: 120, name: 80, error: 300 };
/** Endpoints that were tried in vain and are named; the others are counted. */
const MOST_NAMED = 3;

/** A request that is over, for people: what is not known of it is left out. */
export function requestLine(record: RequestRecord, redact: Redactor): string {
  const { id, method, path, status, failedTries, decision } = record;
  const model = decision?.model ?? record.model;
  let line = `${word(id, LIMITS.name, redact)} ${status === 0 ? '-' : status} `;
  if (method !== 'POST') line += `${word(method, LIMITS.name, redact)} `;
  line += word(withoutQuery(path), LIMITS.path, redact);
  if (model !== undefined) line += ` ${word(model, LIMITS.model, redact)}`;
  if (decision !== undefined) line += ` → ${word(decision.endpoint.name, LIMITS.name, redact)}`;
  if (failedTries.length > 0) line += ` after ${named(record, redact)}`;
  line += `${times(record)}${tokens(record)}${client(record, redact)}`;
  if (decision !== undefined) line += `  ${decision.reason}`;
  return record.outcome === 'ok' ? line : `${line}  ${ending(record, redact)}`;
}

/** A request that is over, as the fields of a JSON object, without its braces; what is not known of it has no field. */
export function requestFields(record: RequestRecord, redact: Redactor): string {
  const { client, decision, failedTries, tokens } = record;
  let fields = `"req_id":${asJson(redact.name(record.id, LIMITS.name))}`;
  fields += text('client', client.key, LIMITS.name, redact) + text('agent', client.agent, LIMITS.name, redact);
  fields += text('addr', client.address, LIMITS.name, redact) + text('api', record.route, LIMITS.path, redact);
  fields += text('path', withoutQuery(record.path), LIMITS.path, redact);
  fields += text('method', record.method, LIMITS.name, redact);
  fields += text('model', decision?.model ?? record.model, LIMITS.model, redact);
  fields += text('endpoint', decision?.endpoint.name, LIMITS.name, redact);
  fields += number('status', record.status === 0 ? undefined : record.status);
  if (record.outcome !== undefined) fields += `,"outcome":"${record.outcome}"`;
  if (decision !== undefined) fields += `,"route_reason":"${decision.reason}"`;
  fields += number('queue_ms', record.waitMs) + number('load_ms', record.loadMs);
  fields += number('ttft_ms', record.firstPieceMs) + number('dur_ms', record.totalMs);
  fields += number('in_tok', tokens?.promptTokens) + number('out_tok', tokens?.completionTokens);
  fields += number('tps', tokensPerSecond(record), 10);
  if (decision !== undefined || failedTries.length > 0) fields += number('retries', failedTries.length);
  return fields + errorFields(record, redact);
}

function errorFields({ error }: RequestRecord, redact: Redactor): string {
  if (error === undefined) return '';
  const code = text('err_code', error.code, LIMITS.name, redact);
  return `${code},"err":${asJson(redact.saying(error.message, LIMITS.error))}`;
}

function text(key: string, value: string | undefined, limit: number, redact: Redactor): string {
  return value === undefined || value === '' ? '' : `,"${key}":${asJson(redact.name(value, limit))}`;
}

function word(text: string, limit: number, redact: Redactor): string {
  return asWord(redact.name(text, limit));
}

function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}

function named({ failedTries }: RequestRecord, redact: Redactor): string {
  const names = failedTries.slice(0, MOST_NAMED).map(({ endpoint }) => word(endpoint.name, LIMITS.name, redact));
  const others = failedTries.length - names.length;
  return names.join(',') + (others > 0 ? `,+${others}` : '');
}

function times({ totalMs, waitMs, loadMs, firstPieceMs }: RequestRecord): string {
  const parts = part('queue', waitMs) + part('load', loadMs) + part('ttft', firstPieceMs);
  const total = isMeasure(totalMs) ? ` ${seconds(totalMs)}s` : '';
  return parts === '' ? total : `${total} (${parts.slice(1)})`;
}

/** What took no time is not worth a word. */
function part(name: string, ms: number | undefined): string {
  return isMeasure(ms) && ms >= 0.5 ? ` ${name} ${seconds(ms)}` : '';
}

/** Tenths from a second on, thousandths below; faster than `toFixed`. */
function seconds(ms: number): string {
  if (ms >= 1e9) return (ms / 1_000).toFixed(0);
  const thousandths = Math.round(ms);
  if (thousandths < 1_000) return `0.${String(thousandths).padStart(3, '0')}`;
  const tenths = Math.round(ms / 100);
  return `${Math.floor(tenths / 10)}.${tenths % 10}`;
}

/** `~` stands before what is estimated. */
function tokens(record: RequestRecord): string {
  const counted = record.tokens;
  if (counted === undefined) return '';
  const { promptTokens, completionTokens, promptEstimated, completionEstimated } = counted;
  const perSecond = tokensPerSecond(record);
  const speed =
    perSecond === undefined ? '' : ` ${perSecond < 10 ? Math.round(perSecond * 10) / 10 : Math.round(perSecond)} tok/s`;
  return ` ${promptEstimated ? '~' : ''}${promptTokens}→${completionEstimated ? '~' : ''}${completionTokens}${speed}`;
}

/** As the endpoint measured it, else as it was seen from here. */
function tokensPerSecond({ tokens, timings, timePerOutputTokenMs }: RequestRecord): number | undefined {
  if (tokens === undefined) return undefined;
  const { completionTokens, completionEstimated } = tokens;
  const measured = !completionEstimated && completionTokens > 0 && timings !== undefined && timings.completionMs > 0;
  const perSecond = measured ? (completionTokens / timings.completionMs) * 1_000 : 1_000 / (timePerOutputTokenMs ?? 0);
  return isMeasure(perSecond) ? perSecond : undefined;
}

/** The name of the client's own key, and the program, else the address. */
function client({ client: { key, agent, address } }: RequestRecord, redact: Redactor): string {
  const who = agent === '' ? address : agent;
  const name = key === undefined || key === 'router' ? '' : ` ${word(key, LIMITS.name, redact)}`;
  return who === '' ? name : `${name} ${word(who, LIMITS.name, redact)}`;
}

function ending({ outcome, error }: RequestRecord, redact: Redactor): string {
  const end = outcome ?? 'unfinished';
  if (error === undefined) return end;
  const code = error.code === undefined ? '' : ` ${word(error.code, LIMITS.name, redact)}`;
  return `${end}${code}: ${inLine(redact.saying(error.message, LIMITS.error))}`;
}

/** Endpoints send measures: what is no time and no count is not written. */
function isMeasure(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value < Number.POSITIVE_INFINITY;
}

function number(key: string, value: number | undefined, parts = 1): string {
  return isMeasure(value) ? `,"${key}":${Math.round(value * parts) / parts}` : '';
}
