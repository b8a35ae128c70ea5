import type { Endpoint, Protocol } from '../domain/endpoint.ts';
import { headerOf } from '../domain/headers.ts';
import type { EndpointFailure } from '../errors.ts';
import type { AnswerPipe } from '../protocols/call.ts';
import type { UpstreamRequest } from '../upstream/client.ts';
import { copyAnswer } from './copy.ts';
import type { Line } from './line.ts';
import { refuse } from './refusal.ts';
import type { Reply } from './reply.ts';

/** One request to one endpoint, and how its answer is let through. */
export interface Errand {
  readonly endpoint: Endpoint;
  readonly request: UpstreamRequest;
  /** The client's protocol, and whether the endpoint's refusals are in it. */
  readonly protocol: Protocol;
  readonly native: boolean;
  /** Told when the endpoint begins to answer. */
  readonly onAnswer?: () => void;
  pipe(contentType: string): AnswerPipe;
  /** Told when the first piece of a streamed answer has come. */
  readonly onFirstPiece?: () => void;
  /** Another answer follows this one in the same reply. */
  readonly more?: boolean;
}

/**
 * Sends a request and copies its answer to the client. Throws what came in the way while the client had been sent nothing
 * of an answer; what comes later ends the answer, is held against the endpoint, and is what this resolves to.
 */
export async function letAnswer(line: Line, errand: Errand, reply: Reply): Promise<EndpointFailure | undefined> {
  const { endpoint, request, protocol, native } = errand;
  using exchange = line.upstream.open(request);
  reply.onGone(() => exchange.abort());
  const answer = await exchange.answer;
  if (answer.status >= 300) await refuse(answer, endpoint, protocol, native);
  errand.onAnswer?.();
  const pipe = errand.pipe((headerOf(answer.headers, 'content-type') ?? '').toLowerCase());
  const broken = await copyAnswer(answer, pipe, reply, errand);
  if (broken !== undefined) line.failed(endpoint, broken);
  return broken;
}
