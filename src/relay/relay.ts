import type { Endpoint } from '../domain/endpoint.ts';
import { ClientGone } from '../errors.ts';
import type { Placement } from '../routing/router.ts';
import { Attempts } from './attempts.ts';
import { catalogReady } from './catalog-ready.ts';
import { upstreamHeaders } from './headers.ts';
import { type Lane, laneTo, reachOf } from './lane.ts';
import { type Errand, letAnswer } from './let-answer.ts';
import type { Incoming, Line } from './line.ts';
import { notesOf } from './notes.ts';
import { withPictures } from './pictures.ts';
import { Recovery } from './recovery.ts';
import type { Reply } from './reply.ts';

/**
 * The life of one request: place it, send it, copy the answer back, account for it; and while the client has been sent
 * nothing of an answer, again with another endpoint. Resolves when the client has been given everything. Throws
 * `RouterError` and `Refusal` before anything of an answer was sent, `ClientGone` at any time.
 */
export async function relay(line: Line, incoming: Incoming, reply: Reply): Promise<void> {
  const { model, operation } = incoming.call;
  const attempts = new Attempts(line, model);
  const recovery = new Recovery(incoming.call, line.recovery);
  const context = () => operation.contextLength?.(incoming.call);
  const reach = (endpoint: Endpoint) => reachOf(operation, endpoint, line.router.gaps);
  using _ = line.heartbeats.watch(incoming.call, reply);
  if (!line.router.catalog.settled) await catalogReady(line.router.catalog, model);
  for (;;) {
    if (reply.gone) throw new ClientGone();
    using placement = line.router.place(model, reach, attempts.tried, context) ?? attempts.giveUp();
    try {
      await answerFrom(line, incoming, placement, recovery, reply);
      return;
    } catch (error) {
      if (reply.spoken) throw error;
      attempts.noteOrThrow(placement, error);
    }
  }
}

/**
 * Lets one endpoint answer: sends the request, copies the answer back, accounts for it; and once more in another form where
 * the endpoint refused this one and the recovery knows a way. Throws what came in the way.
 */
export async function answerFrom(
  line: Line,
  incoming: Incoming,
  placement: Placement,
  recovery: Recovery,
  reply: Reply,
): Promise<void> {
  const { gaps } = line.router;
  const seen = withPictures(line.pictures, incoming.call, placement.endpoint, reply);
  const call = seen instanceof Promise ? await seen : seen;
  let lane = recovery.ahead(placement, laneTo(placement, call, gaps, line.now));
  for (;;) {
    reply.note(notesOf(lane.dropped, recovery.changes));
    try {
      const pipe = await letAnswer(line, errandOf(line, incoming, placement, lane), reply);
      line.ledger.record(placement, pipe.usage);
      return;
    } catch (error) {
      if (reply.spoken) throw error;
      lane = recovery.another(placement, call, lane, error, gaps, line.now);
    }
  }
}

function errandOf(line: Line, { call, headers, query }: Incoming, placement: Placement, lane: Lane): Errand {
  const { endpoint } = placement;
  return {
    endpoint,
    onAnswer: () => noteLoaded(line, placement),
    protocol: call.operation.protocol,
    native: lane.native,
    pipe: lane.pipe,
    request: {
      base: endpoint.base,
      method: 'POST',
      path: query === '' || !lane.native ? lane.path : `${lane.path}?${query}`,
      headers: upstreamHeaders(headers, endpoint, lane.contentType),
      body: lane.body,
      timeouts: line.timeouts,
    },
  };
}

/** An endpoint that answers has the model in memory: what else changed there by loading it, a probe finds out. */
function noteLoaded(line: Line, { endpoint, model }: Placement): void {
  if (model.loaded) return;
  line.router.catalog.loaded(endpoint, model.id);
  void line.probe(endpoint);
}
