import assert from 'node:assert/strict';
import type { FaultRule, RecordedRequest, TokenTotals } from '../../src/simulator/simulation.ts';
import { eventually, type RunningRouter } from '../support/router.ts';
import { type Json, textOf, type Wire, type WireAnswer } from '../support/wire.ts';
import { cutShort, piecesIn, piecesSoFar, send, viewOf } from './ledger-client.ts';
import type { Place } from './ledger-fleet.ts';
import type { Question } from './ledger-questions.ts';

/** What becomes of a request: what the endpoint does, and when its client leaves or somebody cancels it. */
export interface Fate {
  readonly name: string;
  readonly fault?: FaultRule;
  /** When somebody acts: the endpoint has the request, so many tokens are generated, or so much has come to the client. */
  readonly until?: 'asked' | { readonly tokens: number } | { readonly pieces: number } | { readonly bytes: number };
  readonly by?: 'client' | 'cancel';
}

/** One request, where it may go, and its fate. */
export interface Trial {
  readonly id: string;
  /** The first one gets the fault. */
  readonly places: readonly [Place, ...Place[]];
  /** As it is listed, on an Ollama without its tag. */
  readonly model: string;
  readonly question: Question;
  readonly fate: Fate;
}

/** What came of it. */
export interface Ended {
  readonly trial: Trial;
  /** As the router tells of it. */
  readonly view: Json;
  readonly status: number | undefined;
  readonly body: Buffer;
  /** Pieces that reached the client. */
  readonly pieces: number;
  /** Where it was answered last, and what was generated for it there. */
  readonly place: Place;
  readonly spent: TokenTotals;
}

/** Who asks one request after the other. */
export interface Asker {
  readonly router: RunningRouter;
  /** A connection for questions about requests. */
  readonly about: Wire;
  /** The connection of the last request, if it can carry another one. */
  wire: Wire | undefined;
}

/** An asker whose connections are closed when the scope is left. */
export async function openAsker(router: RunningRouter): Promise<Asker & Disposable> {
  const asker: Asker = { router, about: await router.open(), wire: undefined };
  const close = () => {
    asker.about.leave();
    asker.wire?.leave();
  };
  return Object.assign(asker, { [Symbol.dispose]: close });
}

/** Sends it, lets fate act, and waits until router and endpoints are done with it. */
export async function attempt(asker: Asker, trial: Trial): Promise<Ended> {
  const { id, places, model, question, fate } = trial;
  const [first] = places;
  const before = places.map(({ endpoint }) => endpoint.totals(model));
  // Simulated endpoints know a request by the model it names, which no other request has at the same time.
  const on = { method: 'POST', model: spellingFor([first], model) };
  if (fate.fault !== undefined) first.endpoint.faults.add({ on, times: 1, ...fate.fault });
  const answer = await answerTo(asker, trial);
  const view = await viewOf(asker.router, asker.about, id);
  await eventually(() => places.every(({ endpoint }) => endpoint.inFlight(model) === 0), 20_000);
  const at = Math.max(
    0,
    places.findIndex(({ endpoint }) => endpoint.url === view.endpoint_url),
  );
  const place = places[at] ?? first;
  const spent = difference(place.endpoint.totals(model), before[at]);
  const body = answer?.body ?? Buffer.alloc(0);
  return { trial, view, status: answer?.status, body, pieces: question.streams ? piecesIn(body) : 0, place, spent };
}

/** The answer as far as the client got it; a connection that is still good is kept. */
async function answerTo(asker: Asker, trial: Trial): Promise<WireAnswer | undefined> {
  const { id, question, fate } = trial;
  const wire = asker.wire?.closed === false ? asker.wire : await asker.router.open();
  asker.wire = undefined;
  send(wire, id, question);
  await untilFate(wire, trial);
  if (fate.by === 'client') {
    wire.leave();
    return await cutShort(wire);
  }
  if (fate.by === 'cancel') await cancel(asker.about, id);
  const answer = await wire.answer();
  if (answer.complete) asker.wire = wire;
  else wire.leave();
  return answer;
}

/** A model's name as all of these places read it: it goes out as the client wrote it, or as it is listed. */
export function spellingFor(places: readonly Place[], model: string): string {
  return places.some(({ endpoint: { kind } }) => kind === 'ollama') ? `${model}:latest` : model;
}

async function untilFate(wire: Wire, { id, places: [{ endpoint }], fate: { until } }: Trial): Promise<void> {
  if (until === undefined) return;
  if (until !== 'asked' && 'bytes' in until) return await wire.until(() => wire.received.length >= until.bytes);
  if (until !== 'asked' && 'pieces' in until) return await wire.until(() => piecesSoFar(wire) >= until.pieces);
  const isMine = ({ headers }: RecordedRequest) => headers.some(([, value]) => value === id);
  const tokens = until === 'asked' ? 0 : until.tokens;
  await eventually(() => {
    const request = endpoint.requests.findLast(isMine);
    return request?.bodyComplete === true && request.tokens >= tokens;
  }, 20_000);
}

async function cancel(about: Wire, id: string): Promise<void> {
  about.request(`/router/requests/${id}:cancel`, { method: 'POST' });
  const answer = await about.answer();
  assert.equal(answer.status, 200, textOf(answer));
}

function difference(after: TokenTotals, before: TokenTotals | undefined): TokenTotals {
  const { prompt = 0, cached = 0, completion = 0 } = before ?? {};
  return { prompt: after.prompt - prompt, cached: after.cached - cached, completion: after.completion - completion };
}
