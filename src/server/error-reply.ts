import type { IncomingMessage } from 'node:http';
import { headerOf } from '../domain/headers.ts';
import { CANCELLED, ClientGone, EndpointFailure, failureCode, Refusal, RouterError } from '../errors.ts';
import { inabilityIn } from '../protocols/refusals.ts';
import { downstreamHeaders } from '../relay/headers.ts';
import { type ErrorDialect, type ErrorWords, errorBody, errorInStream } from './error-body.ts';
import type { HttpReply } from './http-reply.ts';

/** Seconds that a client is asked to wait where a busy endpoint named none. */
const RETRY_AFTER = '2';

/** What an error is answered with. */
interface ErrorAnswer {
  readonly headers: readonly string[];
  readonly words: ErrorWords;
  /** As it came, where the client can read it so. */
  readonly body?: Buffer;
}

/** Answers a request with what went wrong, in the client's protocol; cuts an answer that has begun. */
export function replyWithError(
  request: IncomingMessage,
  reply: HttpReply,
  error: unknown,
  dialect: ErrorDialect,
): void {
  if (error instanceof ClientGone && !reply.cancelled) return;
  if (reply.spoken) {
    reply.cut();
    return;
  }
  const { headers, words, body } = error instanceof Refusal ? refusalAnswer(error) : ownAnswer(request, error);
  // What was tried in vain is of no use to the client.
  reply.note([]);
  if (!(error instanceof Refusal)) reply.answeredBy = [];
  const told = { ...words, requestId: reply.requestId };
  if (reply.started) {
    reply.end(Buffer.from(errorInStream(dialect, told)));
    return;
  }
  const sent = body ?? Buffer.from(errorBody(dialect, told));
  reply.start(words.status, headers, sent.length);
  reply.end(sent);
}

/** Whether the router itself is to blame: nothing that a client or an endpoint did explains the error. */
export function isFault(error: unknown): boolean {
  return ![RouterError, Refusal, EndpointFailure, ClientGone].some((kind) => error instanceof kind);
}

function ownAnswer(request: IncomingMessage, error: unknown): ErrorAnswer {
  const known = asRouterError(error);
  const { code, details } = known;
  const headers = ['Content-Type', 'application/json; charset=utf-8', 'X-Nomyo-Error', code];
  for (const [name, value] of Object.entries(details.headers ?? {})) headers.push(name, value);
  if (details.retryAfterSeconds !== undefined) headers.push('Retry-After', String(details.retryAfterSeconds));
  // OpenAI's clients try every 5xx twice more; these are the same each time.
  if (code === 'upstream_auth' || code === 'not_implemented') headers.push('X-Should-Retry', 'false');
  const status = visibleStatus(request, known.status);
  return { headers, words: { status, message: known.message, code, param: details.param } };
}

/** The `ollama` command prints a fixed text for every 401 and the error's own for a 403. */
function visibleStatus(request: IncomingMessage, status: number): number {
  return status === 401 && request.headers['user-agent']?.startsWith('ollama/') === true ? 403 : status;
}

function refusalAnswer({ status, message, body, headers }: Refusal): ErrorAnswer {
  const words: ErrorWords = { status, message, code: codeOf(status, message) };
  const advice = [...whenToRetry(status, headers), ...whetherToRetry(status, message, headers)];
  if (body !== undefined) return { headers: [...downstreamHeaders(headers, undefined), ...advice], words, body };
  return { headers: [...limitsOf(headers), 'Content-Type', 'application/json; charset=utf-8', ...advice], words };
}

function whenToRetry(status: number, headers: readonly string[]): string[] {
  const isBusy = status === 503 || status === 429;
  return isBusy && headerOf(headers, 'retry-after') === undefined ? ['Retry-After', RETRY_AFTER] : [];
}

/** Some servers answer 5xx to what is the request's own fault, and OpenAI's clients try every 5xx twice more. */
function whetherToRetry(status: number, message: string, headers: readonly string[]): string[] {
  if (status < 500 || headerOf(headers, 'x-should-retry') !== undefined) return [];
  return status === 501 || inabilityIn(status, message) !== undefined ? ['X-Should-Retry', 'false'] : [];
}

/** The headers of a translated refusal that speak to the client about trying again. */
function limitsOf(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (/^(retry-after(-ms)?|x-should-retry|x-ratelimit-.*|x-request-id)$/i.test(name))
      kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

function codeOf(status: number, message: string): string | undefined {
  const inability = inabilityIn(status, message)?.of;
  if (inability === 'context') return 'context_length_exceeded';
  return status === 404 && inability !== 'route' ? 'model_not_found' : undefined;
}

function asRouterError(error: unknown): RouterError {
  if (error instanceof RouterError) return error;
  if (error instanceof ClientGone) return new RouterError('cancelled', CANCELLED);
  if (error instanceof EndpointFailure) {
    return new RouterError(failureCode(error), `an endpoint ${error.message}`, { cause: error });
  }
  return new RouterError('internal', 'internal error', { cause: error });
}
