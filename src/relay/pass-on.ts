import type { Endpoint } from '../domain/endpoint.ts';
import type { RequestRecord } from '../domain/request-record.ts';
import { RouterError } from '../errors.ts';
import { WholePipe } from '../protocols/whole-pipe.ts';
import type { Catalog } from '../routing/catalog.ts';
import type { UpstreamRequest } from '../upstream/client.ts';
import { Attempts } from './attempts.ts';
import { upstreamHeaders } from './headers.ts';
import { letAnswer } from './let-answer.ts';
import type { Line } from './line.ts';
import type { Reply } from './reply.ts';

/** A page is fetched and a search made in this time, in milliseconds; who cannot answer by then is not waited for. */
const PATIENCE_MS = 60_000;

/** A request that asks no model. */
export interface Passage {
  readonly method: UpstreamRequest['method'];
  /** Path and query. */
  readonly path: string;
  /** The client's, names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/**
 * The one Ollama that answers for the account: an account, and the address to sign in at, belong to one server's key. The
 * one that is marked for the cloud, reachable or not, else the first healthy one; undefined where there is no Ollama.
 */
export function designated(catalog: Catalog): Endpoint | undefined {
  const servers = catalog.states().filter(({ endpoint }) => endpoint.kind === 'ollama');
  const marked = servers.filter(({ endpoint }) => endpoint.cloud);
  const able = marked.length > 0 ? marked : servers;
  return (able.find(({ health }) => health === 'healthy') ?? able[0])?.endpoint;
}

/** Passes a request on to one endpoint and its answer back, both as they are: it takes no slot and no other is tried. */
export async function passOn(
  line: Line,
  endpoint: Endpoint,
  passage: Passage,
  reply: Reply,
  record: RequestRecord,
): Promise<void> {
  const attempts = new Attempts(line, passage.path, record, reply);
  try {
    const request = upstreamRequest(line, endpoint, passage);
    await letAnswer(line, { endpoint, request, protocol: 'ollama', native: true, pipe: WholePipe.opaque }, reply);
  } catch (error) {
    attempts.noteOrThrow({ endpoint }, error);
    attempts.giveUp();
  }
}

function upstreamRequest({ timeouts }: Line, endpoint: Endpoint, passage: Passage): UpstreamRequest {
  return {
    ...passage,
    base: endpoint.base,
    headers: upstreamHeaders(passage.headers, endpoint),
    timeouts: { ...timeouts, firstByte: Math.min(PATIENCE_MS, timeouts.firstByte) },
  };
}

/** What is said where no Ollama is configured. */
export function noOllama(path: string): RouterError {
  return new RouterError('unknown_route', `${path} needs an Ollama endpoint, and none is configured`);
}
