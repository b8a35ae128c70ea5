import type { Series } from '../protocols/call.ts';
import type { Placement } from '../routing/router.ts';
import { upstreamHeaders, withTrace } from './headers.ts';
import type { Lane } from './lane.ts';
import type { Errand } from './let-answer.ts';
import type { Incoming, Line } from './line.ts';
import type { Tally } from './tally.ts';

/** The place of an answer in a series of them. */
export interface SeriesPart {
  readonly series: Series;
  readonly place: number;
  readonly isLast: boolean;
}

/** What is to be sent to the endpoint where the request was placed, and how its answer gets to the client. */
export function errandOf(
  line: Line,
  { call, headers, query, record }: Incoming,
  placement: Placement,
  lane: Lane,
  part: SeriesPart | undefined,
  tally: Tally,
): Errand {
  const { endpoint } = placement;
  return {
    endpoint,
    onAnswer: () => noteLoaded(line, placement),
    protocol: call.operation.protocol,
    native: lane.native,
    pipe: (type) => tally.answered(lane, part?.series.part(part.place, lane.pipe(type)) ?? lane.pipe(type)),
    onFirstPiece: () => {
      record.firstPieceMs ??= record.elapsedMs;
    },
    more: part?.isLast === false,
    request: {
      base: endpoint.base,
      method: 'POST',
      path: query === '' || !lane.native ? lane.path : `${lane.path}?${query}`,
      headers: withTrace(upstreamHeaders(headers, endpoint, lane.contentType), line.traceparentFor?.(record)),
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
