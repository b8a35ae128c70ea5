import type { EndpointKind } from '../../../src/domain/endpoint.ts';
import type { AnswerPipe, Call, Names } from '../../../src/protocols/call.ts';
import { rerankAt } from '../../../src/protocols/rerank/operations.ts';
import { endpointOf } from '../../support/listings.ts';

/** A request to rank, in Jina's words unless the body has others; a text goes as it is. */
export function rankCall(body: string | object = {}, path = '/v1/rerank'): Call {
  const given = typeof body === 'string' ? body : JSON.stringify({ model: 'm', query: 'q', ...body });
  return rerankAt(path).decode(Buffer.from(given));
}

const SAME: Names = { client: 'm', upstream: 'm' };

/** What the answer goes through on its way to the client. */
export function pipeFor(call: Call, kind: EndpointKind = 'llama-server', names = SAME): AnswerPipe {
  return call.operation.verbatim(call, endpointOf(kind), 'application/json', names);
}
