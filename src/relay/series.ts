import { CANCELLED, ClientGone } from '../errors.ts';
import type { Split } from '../protocols/call.ts';
import type { Placement } from '../routing/router.ts';
import { answerFrom } from './answer-from.ts';
import type { Incoming, Line } from './line.ts';
import type { Recovery } from './recovery.ts';
import type { Reply } from './reply.ts';

/** Asks one endpoint for several answers, one after the other, and gives the client all of them as one. */
export async function answerSeries(
  line: Line,
  incoming: Incoming,
  placement: Placement,
  recovery: Recovery,
  reply: Reply,
  { count, call, series }: Split,
): Promise<void> {
  for (let place = 0; place < count; place++) {
    const part = { series, place, isLast: place === count - 1 };
    try {
      await answerFrom(line, { ...incoming, call: call(place) }, placement, recovery, reply, part);
    } catch (error) {
      if (!reply.spoken || !(error instanceof Error)) throw error;
      if (error instanceof ClientGone && !reply.cancelled) throw error;
      if (!reply.cancelled) incoming.record.error = { code: 'upstream_lost', message: error.message };
      reply.end(series.fail(reply.cancelled ? CANCELLED : error.message));
      return;
    }
    if (series.state === 'failed') reply.end();
    if (series.state !== 'going') return;
  }
}
