import type { IncomingMessage } from 'node:http';
import { unfetchable } from './unfetchable.ts';

export interface FetchedImage {
  /** By the image's bytes: `image/png`, `image/jpeg`, `image/gif` or `image/webp`. */
  readonly mediaType: string;
  readonly base64: string;
}

/** How the bytes of each begin, in hexadecimal. */
const BEGINNINGS: readonly (readonly [mediaType: string, beginning: RegExp])[] = [
  ['image/png', /^89504e470d0a1a0a/],
  ['image/jpeg', /^ffd8ff/],
  // GIF87a, GIF89a
  ['image/gif', /^47494638(37|39)61/],
  // RIFF, a length, WEBP
  ['image/webp', /^52494646.{8}57454250/],
];
const LONGEST_BEGINNING = 12;

/** Reads the image that an answer is. Rejects with `RouterError` where it is none, or more than `maxBytes`. */
export async function readImage(answer: IncomingMessage, maxBytes: number): Promise<FetchedImage> {
  const fault = headFault(answer);
  if (fault !== undefined) throw unfetchable(fault);
  const bytes = await readUpTo(answer, maxBytes);
  const mediaType = imageType(bytes);
  if (mediaType === undefined) throw unfetchable('its bytes are not those of a PNG, JPEG, GIF or WebP image');
  return { mediaType, base64: bytes.toString('base64') };
}

function headFault({ statusCode, headers }: IncomingMessage): string | undefined {
  if (statusCode !== 200) return `its server answered with status ${statusCode}`;
  // SVG is a document, with scripts and links: no model sees it as an image.
  const isImage = /^image\/(?!svg)/i.test(headers['content-type'] ?? '');
  if (!isImage) return 'its content type is not that of a PNG, JPEG, GIF or WebP image';
  const isPlain = /^(identity)?$/i.test(headers['content-encoding'] ?? '');
  return isPlain ? undefined : 'its server sent it compressed, unasked';
}

async function readUpTo(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLong = () => unfetchable(`it is larger than ${maxBytes} bytes`);
  if (Number(answer.headers['content-length']) > maxBytes) throw tooLong();
  const parts: Buffer[] = [];
  let length = 0;
  for await (const bytes of unbroken(answer)) {
    length += bytes.length;
    if (length > maxBytes) throw tooLong();
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

async function* unbroken(answer: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* answer;
  } catch (error) {
    throw unfetchable('its server broke off in the middle', error);
  }
}

function imageType(bytes: Buffer): string | undefined {
  const beginning = bytes.toString('hex', 0, LONGEST_BEGINNING);
  return BEGINNINGS.find(([, pattern]) => pattern.test(beginning))?.[0];
}
