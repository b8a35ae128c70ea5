import type { Endpoint } from '../domain/endpoint.ts';
import { EndpointFailure } from '../errors.ts';
import type { Exchange, StreamedBody, UpstreamAnswer } from '../upstream/client.ts';
import { readAll } from '../upstream/read-all.ts';
import type { BodyFlow } from './body-flow.ts';
import { upstreamHeaders } from './headers.ts';
import type { Line } from './line.ts';
import { Outcome } from './outcome.ts';
import { refuse } from './refusal.ts';
import { Tee } from './tee.ts';

/** Whether a file is there is answered from memory. */
const PATIENCE_MS = 30_000;
/** Ollama says nothing where it succeeds. */
const MAX_BYTES = 64 * 1024;
const FILE_TYPE = 'application/octet-stream';

/** A file that a client uploads, or asks about. */
export interface Blob {
  /** As the client spells it. */
  readonly digest: string;
  /** The client's, names and values in turn, as they came. */
  readonly headers: readonly string[];
  readonly targets: readonly Endpoint[];
  /** Calls back when the client leaves. */
  onGone(callback: () => void): void;
}

/** How an upload ended. */
export interface Uploaded {
  /** 201 where it was new to a target. */
  readonly status: 200 | 201;
  /** Every target had answered before the client had sent everything. */
  readonly early: boolean;
}

/** Whether all targets have the file. Throws what failed, unless one of the others has it not. */
export async function findBlob(line: Line, blob: Blob): Promise<boolean> {
  using exchanges = new DisposableStack();
  const outcome = new Outcome(line);
  const running = blob.targets.map((endpoint) => {
    const exchange = exchanges.use(openHead(line, blob, endpoint));
    return note(outcome, endpoint, has(exchange, endpoint));
  });
  blob.onGone(() => exchanges.dispose());
  const found = await Promise.all(running);
  if (found.includes(false)) return false;
  if (outcome.hasFailures) throw outcome.error;
  return true;
}

/**
 * Uploads a file to all targets at once. One that has it already answers early and gets no more of it, one that fails
 * holds the others up no longer. Throws the failures where one or more failed, `ClientGone` where the body broke off.
 */
export async function uploadBlob(line: Line, blob: Blob, flow: BodyFlow): Promise<Uploaded> {
  using exchanges = new DisposableStack();
  const { promise: broken, reject } = Promise.withResolvers<never>();
  const tee = new Tee(flow, reject);
  const outcome = new Outcome(line);
  const running = blob.targets.map((endpoint) => {
    const branch = tee.branch();
    const exchange = exchanges.use(openUpload(line, blob, endpoint, branch));
    const answer = exchange.answer.finally(() => tee.leave(branch));
    return note(
      outcome,
      endpoint,
      statusOf(answer, endpoint, () => openHead(line, blob, endpoint)),
    );
  });
  blob.onGone(() => exchanges.dispose());
  flow.read(tee);
  const statuses = await Promise.race([broken, Promise.all(running)]);
  if (outcome.hasFailures) throw outcome.error;
  return { status: statuses.includes(201) ? 201 : 200, early: !tee.ended };
}

/**
 * What an upload was answered with. One that broke off counts as answered where the file is there: a server that has it
 * may answer and close while we still write, and what it answered is then lost.
 */
async function statusOf(answer: Promise<UpstreamAnswer>, endpoint: Endpoint, ask: () => Exchange): Promise<number> {
  try {
    return await accepted(await answer, endpoint);
  } catch (error) {
    if (!(error instanceof EndpointFailure) || error.reason !== 'broken') throw error;
    using exchange = ask();
    if (await has(exchange, endpoint).catch(() => false)) return 200;
    throw error;
  }
}

async function has(exchange: Exchange, endpoint: Endpoint): Promise<boolean> {
  const answer = await exchange.answer;
  return answer.status !== 404 && (await accepted(answer, endpoint)) === 200;
}

async function accepted(answer: UpstreamAnswer, endpoint: Endpoint): Promise<number> {
  if (answer.status >= 300) await refuse(answer, endpoint, 'ollama', true);
  await readAll(answer, MAX_BYTES);
  return answer.status;
}

/** What one target came to; undefined where that is a failure. */
async function note<T>(outcome: Outcome, endpoint: Endpoint, ending: Promise<T>): Promise<T | undefined> {
  try {
    const value = await ending;
    outcome.succeeded.push(endpoint);
    return value;
  } catch (error) {
    outcome.failed(endpoint, error);
    return undefined;
  }
}

function openHead(line: Line, { digest, headers }: Blob, endpoint: Endpoint): Exchange {
  const patience = Math.min(line.timeouts.firstByte, PATIENCE_MS);
  return line.upstream.open({
    base: endpoint.base,
    method: 'HEAD',
    path: `/api/blobs/${digest}`,
    headers: upstreamHeaders(headers, endpoint, FILE_TYPE),
    timeouts: { connect: line.timeouts.connect, firstByte: patience, idle: patience },
  });
}

function openUpload(line: Line, { digest, headers }: Blob, endpoint: Endpoint, body: StreamedBody): Exchange {
  return line.upstream.open({
    base: endpoint.base,
    method: 'POST',
    path: `/api/blobs/${digest}`,
    headers: upstreamHeaders(headers, endpoint, FILE_TYPE),
    body,
    timeouts: line.timeouts,
  });
}
