import type { RequestRecord } from '../../domain/request-record.ts';
import { type Attempt, errorTypeOf, firstChunkMs } from './attempts.ts';
import { type Attributes, bounded, keyValues, nanos } from './attributes.ts';
import { operationOf, providerOf } from './gen-ai.ts';
import type { Trace } from './trace.ts';

/** As opentelemetry-proto numbers them. */
const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;
/** `Span.flags`: sampled, and it is known whether the parent is of another process. */
const SAMPLED = 0x101;
const REMOTE_PARENT = 0x200;

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE']);

/** A client's request as the JSON of a SERVER span. */
export function serverSpan(record: RequestRecord, trace: Trace): string {
  const { receivedAt, totalMs = record.elapsedMs } = record;
  const errorType = record.outcome === 'client_error' ? undefined : errorTypeOf(record);
  return JSON.stringify({
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentSpanId: trace.parentSpanId,
    flags: trace.parentSpanId === undefined ? SAMPLED : SAMPLED | REMOTE_PARENT,
    name: serverName(record),
    kind: SERVER,
    startTimeUnixNano: nanos(receivedAt),
    endTimeUnixNano: nanos(receivedAt + totalMs),
    attributes: keyValues({ ...serverAttributes(record), 'error.type': errorType }),
    status: errorType === undefined ? undefined : { code: ERROR },
  });
}

function serverName({ method, route }: RequestRecord): string {
  const verb = METHODS.has(method) ? method : 'HTTP';
  return route === undefined ? verb : `${verb} ${route}`;
}

function serverAttributes(record: RequestRecord): Attributes {
  const { method, client, status } = record;
  return {
    'http.request.method': METHODS.has(method) ? method : '_OTHER',
    'http.route': record.route,
    'http.response.status_code': status === 0 ? undefined : status,
    'url.path': record.path,
    'url.scheme': 'http',
    'client.address': client.address || undefined,
    'user_agent.original': client.agent || undefined,
    'gen_ai.request.model': record.model,
    'nomyo.request_id': record.id,
    'nomyo.client': client.key,
    'nomyo.outcome': record.outcome,
    'nomyo.queue_ms': record.waitMs,
    'nomyo.retries': record.failedTries.length,
  };
}

/** A request to an endpoint as the JSON of a CLIENT span. Nothing that was asked or answered, nor words that may repeat it. */
export function clientSpan(record: RequestRecord, trace: Trace, attempt: Attempt): string {
  const { receivedAt } = record;
  const operation = operationOf(record.route);
  return JSON.stringify({
    traceId: trace.traceId,
    spanId: attempt.spanId,
    parentSpanId: trace.spanId,
    flags: SAMPLED,
    name: bounded(`${operation} ${attempt.decision.model}`),
    kind: CLIENT,
    startTimeUnixNano: nanos(receivedAt + attempt.startMs),
    endTimeUnixNano: nanos(receivedAt + attempt.endMs),
    attributes: keyValues({
      'gen_ai.operation.name': operation,
      ...clientAttributes(attempt),
      ...(attempt.answered ? answerAttributes(record, attempt) : {}),
    }),
    status: attempt.errorType === undefined ? undefined : { code: ERROR },
  });
}

function clientAttributes({ decision, retries, errorType }: Attempt): Attributes {
  const { name, address, port } = providerOf(decision.endpoint);
  return {
    'gen_ai.provider.name': name,
    'gen_ai.request.model': decision.model,
    'server.address': address,
    'server.port': port,
    'error.type': errorType,
    'nomyo.endpoint': decision.endpoint.name,
    'nomyo.route.reason': decision.reason,
    'nomyo.model_loaded': decision.loaded,
    'nomyo.queue_ms': decision.atMs,
    'nomyo.retries': retries,
  };
}

function answerAttributes(record: RequestRecord, attempt: Attempt): Attributes {
  const { tokens, streaming } = record;
  const firstMs = firstChunkMs(record, attempt);
  return {
    'gen_ai.request.stream': streaming,
    'gen_ai.response.model': attempt.errorType === undefined ? attempt.decision.model : undefined,
    'gen_ai.response.time_to_first_chunk': firstMs === undefined ? undefined : { fraction: firstMs / 1000 },
    'gen_ai.usage.input_tokens': tokens?.promptEstimated === false ? tokens.promptTokens : undefined,
    'gen_ai.usage.output_tokens': tokens?.completionTokens,
  };
}
