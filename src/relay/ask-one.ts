import type { Listing } from '../domain/model.ts';
import { ClientGone } from '../errors.ts';
import { Attempts } from './attempts.ts';
import { catalogReady } from './catalog-ready.ts';
import { upstreamHeaders } from './headers.ts';
import { laneTo, reachOf } from './lane.ts';
import { letAnswer } from './let-answer.ts';
import type { Incoming, Line } from './line.ts';
import type { Reply } from './reply.ts';

/** A question is answered from memory: an endpoint that takes longer is not to be waited for, in milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Puts a question about a model to the first endpoint that has it, speaks the protocol and answers; it takes no slot.
 * Resolves to a listing of the model where only an endpoint of another protocol can tell of it: nothing has been sent then.
 */
export async function askOne(line: Line, incoming: Incoming, reply: Reply): Promise<Listing | undefined> {
  const { call, headers, record } = incoming;
  const { protocol } = call.operation;
  await catalogReady(line.router.catalog, call.model);
  const listings = line.router.candidatesFor(call.model);
  const { gaps } = line.router;
  const isNative = ({ endpoint }: Listing) => reachOf(call.operation, endpoint, gaps) === 'native';
  const native = listings.filter(isNative);
  const other = listings.find((listing) => !isNative(listing));
  const attempts = new Attempts(line, call.model, record, reply);
  for (const listing of native) {
    const { endpoint } = listing;
    if (reply.gone) throw new ClientGone();
    try {
      const lane = laneTo(listing, call, gaps, line.now);
      const timeouts = { ...line.timeouts, firstByte: Math.min(PATIENCE_MS, line.timeouts.firstByte) };
      const request = { base: endpoint.base, method: 'POST', path: lane.path, body: lane.body, timeouts } as const;
      const errand = { endpoint, protocol, native: lane.native, pipe: lane.pipe };
      await letAnswer(line, { ...errand, request: { ...request, headers: upstreamHeaders(headers, endpoint) } }, reply);
      return undefined;
    } catch (error) {
      attempts.noteOrThrow(listing, error);
    }
  }
  return other ?? attempts.giveUp();
}
