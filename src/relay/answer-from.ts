import type { Placement } from '../routing/router.ts';
import { errandOf, type SeriesPart } from './errand.ts';
import { laneTo } from './lane.ts';
import { letAnswer } from './let-answer.ts';
import type { Incoming, Line } from './line.ts';
import { notesOf, routeHeaders } from './notes.ts';
import { withPictures } from './pictures.ts';
import type { Recovery } from './recovery.ts';
import type { Reply } from './reply.ts';
import { Tally } from './tally.ts';

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
  part?: SeriesPart,
): Promise<void> {
  const { gaps } = line.router;
  const { record } = incoming;
  if (line.tellsRoute) reply.answeredBy = routeHeaders(placement, record);
  using tally = new Tally(line, placement, incoming);
  const seen = withPictures(line.pictures, incoming.call, placement.endpoint, reply);
  const call = seen instanceof Promise ? await seen : seen;
  let lane = recovery.ahead(placement, laneTo(placement, call, gaps, line.now));
  for (;;) {
    reply.note(notesOf(lane.dropped, recovery.changes));
    try {
      const errand = errandOf(line, incoming, placement, lane, part, tally);
      const broken = await letAnswer(line, errand, reply);
      const trouble = broken?.message ?? tally.trouble;
      if (trouble === undefined) tally.finished();
      else record.error = { code: 'upstream_lost', message: trouble };
      return;
    } catch (error) {
      if (reply.spoken) throw error;
      lane = recovery.another(placement, call, lane, error, gaps, line.now);
    }
  }
}
