import type { Endpoint } from '../domain/endpoint.ts';
import { headerOf } from '../domain/headers.ts';
import { ClientGone } from '../errors.ts';
import type { Placement } from '../routing/router.ts';
import type { UpstreamRequest } from '../upstream/client.ts';
import { Attempts } from './attempts.ts';
import { catalogReady } from './catalog-ready.ts';
import { copyAnswer } from './copy.ts';
import { upstreamHeaders } from './headers.ts';
import { type Lane, laneTo, reachOf } from './lane.ts';
import type { Incoming, Line } from './line.ts';
import { refuse } from './refusal.ts';
import type { Reply } from './reply.ts';

/**
 * The life of one request: place it, send it, copy the answer back, account for it; and while the client has been sent
 * nothing, again with another endpoint. Resolves when the client has been given everything. Throws `RouterError` and
 * `Refusal` before anything was sent, `ClientGone` at any time.
 */
export async function relay(line: Line, incoming: Incoming, reply: Reply): Promise<void> {
  const { model, operation } = incoming.call;
  const attempts = new Attempts(line, model);
  const context = () => operation.contextLength?.(incoming.call);
  const reach = (endpoint: Endpoint) => reachOf(operation, endpoint, line.router.gaps);
  if (!line.router.catalog.settled) await catalogReady(line.router.catalog, model);
  for (;;) {
    if (reply.gone) throw new ClientGone();
    using placement = line.router.place(model, reach, attempts.tried, context) ?? attempts.giveUp();
    try {
      await answerFrom(line, incoming, placement, reply);
      return;
    } catch (error) {
      if (reply.started) throw error;
      attempts.noteOrThrow(placement, error);
    }
  }
}

/** Lets one endpoint answer: sends the request, copies the answer back, accounts for it. Throws what came in the way. */
export async function answerFrom(line: Line, incoming: Incoming, placement: Placement, reply: Reply): Promise<void> {
  const lane = laneTo(placement, incoming.call, line.router.gaps, line.now);
  using exchange = line.upstream.open(upstreamRequest(line, incoming, placement, lane));
  reply.onGone(() => exchange.abort());
  const answer = await exchange.answer;
  if (answer.status >= 300) await refuse(answer, placement.endpoint, incoming.call.operation.protocol, lane.native);
  noteLoaded(line, placement);
  const pipe = lane.pipe(headerOf(answer.headers, 'content-type') ?? '');
  const broken = await copyAnswer(answer, pipe, reply);
  if (broken !== undefined) line.failed(placement.endpoint, broken);
  line.ledger.record(placement, pipe.usage);
}

function upstreamRequest(
  line: Line,
  { headers, query }: Incoming,
  { endpoint }: Placement,
  lane: Lane,
): UpstreamRequest {
  return {
    base: endpoint.base,
    method: 'POST',
    path: query === '' || !lane.native ? lane.path : `${lane.path}?${query}`,
    headers: upstreamHeaders(headers, endpoint, lane.contentType),
    body: lane.body,
    timeouts: line.timeouts,
  };
}

/** An endpoint that answers has the model in memory: what else changed there by loading it, a probe finds out. */
function noteLoaded(line: Line, { endpoint, model }: Placement): void {
  if (model.loaded) return;
  line.router.catalog.loaded(endpoint, model.id);
  void line.probe(endpoint);
}
