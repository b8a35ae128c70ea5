import type { Endpoint } from '../domain/endpoint.ts';
import { ClientGone } from '../errors.ts';
import { answerFrom } from './answer-from.ts';
import { Attempts } from './attempts.ts';
import { catalogReady } from './catalog-ready.ts';
import { reachOf } from './lane.ts';
import type { Incoming, Line } from './line.ts';
import { Recovery } from './recovery.ts';
import type { Reply } from './reply.ts';
import { answerSeries } from './series.ts';

/**
 * The life of one request: place it, send it, copy the answer back, account for it; and while the client has been sent
 * nothing of an answer, again with another endpoint. Resolves when the client has been given everything. Throws
 * `RouterError` and `Refusal` before anything of an answer was sent, `ClientGone` at any time.
 */
export async function relay(line: Line, incoming: Incoming, reply: Reply): Promise<void> {
  const { call, record } = incoming;
  const { model, operation } = call;
  const attempts = new Attempts(line, model, record, reply);
  const recovery = new Recovery(call, line.recovery);
  const context = () => operation.contextLength?.(call);
  const reach = (endpoint: Endpoint) => reachOf(operation, endpoint, line.router.gaps);
  using _ = line.heartbeats.watch(call, reply);
  if (!line.router.catalog.settled) await catalogReady(line.router.catalog, model);
  for (;;) {
    if (reply.gone) throw new ClientGone();
    using placement = line.router.place(model, reach, attempts.tried, context) ?? attempts.giveUp();
    record.placed(placement);
    try {
      const split = operation.split?.(call, placement.endpoint);
      if (split === undefined) await answerFrom(line, incoming, placement, recovery, reply);
      else await answerSeries(line, incoming, placement, recovery, reply, split);
      return;
    } catch (error) {
      if (reply.spoken) throw error;
      attempts.noteOrThrow(placement, error);
    }
  }
}
