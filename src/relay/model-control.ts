import { setTimeout as delay } from 'node:timers/promises';
import type { Endpoint, Reach } from '../domain/endpoint.ts';
import type { ListedModel, Listing } from '../domain/model.ts';
import { ClientGone, EndpointFailure, Refusal } from '../errors.ts';
import { errorText } from '../protocols/error-text.ts';
import { text } from '../protocols/json/write.ts';
import { fetchJson } from '../upstream/fetch-json.ts';
import { answerFrom } from './answer-from.ts';
import { Attempts } from './attempts.ts';
import { catalogReady } from './catalog-ready.ts';
import { verbatimLane } from './lane.ts';
import type { Incoming, Line } from './line.ts';
import { Recovery } from './recovery.ts';
import { checkKey } from './refusal.ts';
import type { Reply } from './reply.ts';

/** Ollama answers an unload at once; llama-server stops a process. */
const TOLD_MS = 30_000;
const UNLOAD_LOOKS = 10;
const UNLOAD_LOOK_MS = 30;
const POLL_MS = 250;

/** Loads the model where a request for it would go: by Ollama's own request there, or llama-server's for it. */
export async function load(line: Line, incoming: Incoming, reply: Reply): Promise<void> {
  const { call, record } = incoming;
  await catalogReady(line.router.catalog, call.model);
  const attempts = new Attempts(line, call.model, record, reply);
  const recovery = new Recovery(call, line.recovery);
  const context = () => call.operation.contextLength?.(call);
  for (;;) {
    using placement = line.router.place(call.model, loads, attempts.tried, context) ?? attempts.giveUp();
    record.placed(placement);
    try {
      if (placement.endpoint.kind === 'ollama') await answerFrom(line, incoming, placement, recovery, reply);
      else {
        await loadOn(line, placement, reply);
        acknowledge(incoming, reply);
      }
      return;
    } catch (error) {
      attempts.noteOrThrow(placement, error);
    }
  }
}

/** Every endpoint is told to load a model in its own way, or keeps its models loaded anyway. */
function loads({ kind }: Endpoint): Reach {
  return kind === 'ollama' ? 'native' : 'translated';
}

/** Unloads the model wherever it is in memory. Fails only where no endpoint did as it was told. */
export async function unload(line: Line, incoming: Incoming, reply: Reply): Promise<void> {
  const { call } = incoming;
  await catalogReady(line.router.catalog, call.model);
  // What is loaded changes behind the router's back, and an endpoint that is left out keeps its memory taken.
  const obedient = line.router.candidatesFor(call.model).filter(takesOrders);
  await Promise.all(obedient.map(({ endpoint }) => line.probe(endpoint)));
  const loaded = line.router.candidatesFor(call.model).filter(({ model }) => isThere(model));
  const results = await Promise.allSettled(loaded.map((listing) => unloadOn(line, incoming, listing)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined && results.every((result) => result.status === 'rejected')) throw failed.reason;
  acknowledge(incoming, reply);
}

/** In memory, or in a process that sleeps and only waits for the next request. */
function isThere({ loaded, sleeping }: ListedModel): boolean {
  return loaded || sleeping === true;
}

/** Any other endpoint keeps its models loaded whatever it is told. */
function takesOrders({ endpoint, model }: Listing): boolean {
  return endpoint.kind === 'ollama' || model.managed === true;
}

async function unloadOn(line: Line, { call }: Incoming, listing: Listing): Promise<void> {
  if (listing.endpoint.kind === 'ollama') {
    const { path, body } = verbatimLane(listing, call);
    await order(line, listing, path, body.toString('utf8'));
  } else if (listing.model.managed) await order(line, listing, '/models/unload', modelBody(listing));
  else return;
  await untilUnloaded(line, listing);
}

/** Ollama answers a moment before the model is gone: whoever asks right after is to find it gone. */
async function untilUnloaded(line: Line, { endpoint, model }: Listing): Promise<void> {
  for (let tries = 0; tries < UNLOAD_LOOKS; tries++) {
    await line.probe(endpoint);
    const now = line.router.catalog.model(endpoint, model.id);
    if (now === undefined || !isThere(now)) return;
    await delay(UNLOAD_LOOK_MS);
  }
}

/** llama-server starts to load and answers at once: the model is there when its list says so. */
async function loadOn(line: Line, listing: Listing, reply: Reply): Promise<void> {
  if (!listing.model.managed || listing.model.loaded) return;
  const leave = new AbortController();
  reply.onGone(() => leave.abort());
  // A sleeping one is running: it wakes with the first request.
  if ((await order(line, listing, '/models/load', modelBody(listing))) === 'already') return;
  const deadline = line.now() + line.timeouts.firstByte;
  while (!leave.signal.aborted && line.now() < deadline) {
    await line.probe(listing.endpoint);
    const model = line.router.catalog.model(listing.endpoint, listing.model.id);
    if (model?.loaded === true) return;
    if (model?.failed === true) throw new Refusal(500, `model name=${listing.model.id} failed to load`);
    await delay(POLL_MS, undefined, { signal: leave.signal }).catch(() => {});
  }
  if (reply.gone) throw new ClientGone();
  throw new EndpointFailure('timeout', `did not load ${listing.model.id} in time`);
}

/** Tells the endpoint to load or unload; being in that state already is no failure, and told. */
async function order(
  line: Line,
  { endpoint, model }: Listing,
  path: string,
  body: string,
): Promise<'done' | 'already'> {
  const limit = Math.min(TOLD_MS, line.timeouts.firstByte);
  const { status, body: answer } = await fetchJson(line.upstream, endpoint, { method: 'POST', path, body }, limit);
  checkKey(status, endpoint);
  if (status === 404) throw new Refusal(404, `model '${model.id}' not found`);
  const said = errorText(answer);
  if (status < 400) return 'done';
  if (/already (running|loaded)|is not running/.test(said)) return 'already';
  throw new Refusal(status, said);
}

function modelBody({ model }: Listing): string {
  return `{"model":${text(model.id)}}`;
}

function acknowledge({ call }: Incoming, reply: Reply): void {
  const body = Buffer.from(call.operation.acknowledge?.(call) ?? '{}');
  reply.start(200, ['Content-Type', 'application/json; charset=utf-8'], body.length);
  reply.end(body);
}
