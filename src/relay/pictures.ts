import type { Endpoint } from '../domain/endpoint.ts';
import { RouterError } from '../errors.ts';
import type { Call } from '../protocols/call.ts';
import { type Edit, splice } from '../protocols/json/splice.ts';
import { type RemoteMedia, remoteMedia } from '../protocols/remote-media.ts';
import type { Reply } from './reply.ts';

/** Fetches images from the hosts that the operator allows. */
export interface Pictures {
  /** Whether the address is one of an allowed host. */
  allows(url: string): boolean;
  /** Rejects with `RouterError`. */
  fetch(url: string, signal: AbortSignal): Promise<{ readonly mediaType: string; readonly base64: string }>;
}

/** Nobody shows more images at once; in images, and in characters of their base64. */
const MOST = 16;
const MOST_CHARACTERS = 64 * 1024 * 1024;

/**
 * The call as this endpoint may see it: addresses of images become the images themselves, where the operator allows their
 * hosts. An endpoint inside one's own network would fetch any other address from there: throws `unsupported`. A service
 * outside is left to fetch for itself, and Ollama refuses addresses in its own words.
 */
export function withPictures(pictures: Pictures, call: Call, endpoint: Endpoint, reply: Reply): Call | Promise<Call> {
  if (endpoint.kind === 'openai' || call.contentType !== undefined || call.operation.protocol === 'ollama') return call;
  const remote = remoteMedia(call.body);
  if (remote.length === 0) return call;
  const isWanted = ({ url, isImage }: RemoteMedia) => isImage && pictures.allows(url);
  const refused = remote.find((media) => !isWanted(media));
  if (refused !== undefined && endpoint.kind !== 'ollama') throw notFetched(refused, endpoint);
  const wanted = remote.filter(isWanted);
  if (wanted.length > MOST) throw new RouterError('invalid_parameter', `no more than ${MOST} image URLs at once`);
  return wanted.length === 0 ? call : inlined(pictures, call, wanted, reply);
}

async function inlined(pictures: Pictures, call: Call, wanted: readonly RemoteMedia[], reply: Reply): Promise<Call> {
  const edits = await fetchAll(pictures, wanted, reply);
  return call.operation.decode(splice(call.body, edits), call.contentType);
}

/** One after the other: what is held is bounded by what one image may have. */
async function fetchAll(pictures: Pictures, wanted: readonly RemoteMedia[], reply: Reply): Promise<Edit[]> {
  const leave = new AbortController();
  reply.onGone(() => leave.abort());
  const edits: Edit[] = [];
  let held = 0;
  for (const media of wanted) {
    const { mediaType, base64 } = await pictures.fetch(media.url, leave.signal);
    held += base64.length;
    if (held > MOST_CHARACTERS)
      throw new RouterError('body_too_large', 'the images at these URLs are too large together');
    edits.push(media.inline(mediaType, base64));
  }
  return edits;
}

function notFetched({ url, isImage }: RemoteMedia, { name, kind }: Endpoint): RouterError {
  const what = isImage ? 'image URLs' : 'URLs of media, files and SVG images';
  const how = isImage
    ? '; send the image as a data URL, or let the operator allow its host (image_hosts, https only)'
    : '';
  const host = /^[a-z][a-z0-9+.-]*:/i.exec(url.trim())?.[0] ?? 'a path';
  return new RouterError(
    'unsupported',
    `${what} are not passed on to ${name} (${kind}), which would fetch them (${host})${how}`,
  );
}
