import { RouterError } from '../../errors.ts';
import { canonicalDigest, isDigest } from '../../protocols/ollama/management.ts';
import { type Blob, findBlob, uploadBlob } from '../../relay/blobs.ts';
import { catalogReady } from '../../relay/catalog-ready.ts';
import type { Line } from '../../relay/line.ts';
import type { Uploads } from '../../relay/uploads.ts';
import { chooseTargets } from '../../routing/targets.ts';
import { ClientBody } from '../body-flow.ts';
import { endpointsNamed } from '../endpoints-named.ts';
import type { HttpReply } from '../http-reply.ts';
import type { Handler, Visit } from '../route.ts';

/** How long a client may go on sending a file that is there already: some read no answer before they have sent it. */
const NEEDLESS_BODY_MS = 10 * 60_000;

/** `HEAD /api/blobs/{digest}`: whether all targets have the file. */
export function hasBlob(line: Line): Handler {
  return async (visit) => {
    const found = await findBlob(line, await readBlob(visit, line));
    visit.reply.start(found ? 200 : 404, [], 0);
    visit.reply.end();
  };
}

/** `POST /api/blobs/{digest}`: the file, to all targets. */
export function uploadsBlob(line: Line, uploads: Uploads): Handler {
  return async (visit) => {
    const { request, reply } = visit;
    const blob = await readBlob(visit, line);
    using body = new ClientBody(request);
    const { status, early } = await uploadBlob(line, blob, body);
    uploads.note(canonicalDigest(blob.digest), blob.targets);
    if (early) return answerEarly(body, reply);
    reply.start(status, [], 0);
    reply.end();
  };
}

async function readBlob({ rest, request, reply }: Visit, line: Line): Promise<Blob> {
  const digest = rest.replace(/%3a/i, ':');
  if (!isDigest(digest)) throw new RouterError('invalid_parameter', 'invalid digest format');
  await catalogReady(line.router.catalog);
  const headers = request.rawHeaders;
  const targets = chooseTargets(line.router.catalog, endpointsNamed(headers));
  return { digest, headers, targets, onGone: (callback) => reply.onGone(callback) };
}

/**
 * The answer goes out at once, so that the client may stop; the connection closes when it has: closed sooner, what it
 * still sends would have its system throw the answer away.
 */
async function answerEarly(body: ClientBody, reply: HttpReply): Promise<void> {
  reply.start(200, ['Connection', 'close'], 0);
  reply.flush();
  await body.drop(NEEDLESS_BODY_MS);
  reply.end();
}
