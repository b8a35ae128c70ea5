import { decodeString, findMember, JsonSyntaxError, type Member, scanArray, scanObject } from './json/scan.ts';
import type { Edit } from './json/splice.ts';
import { objectText, text } from './json/write.ts';

/** A place in a request's body that names media by address, for the endpoint to fetch. */
export interface RemoteMedia {
  readonly url: string;
  /** False for what can only be refused: sound, films, documents, and images of a kind that no model reads. */
  readonly isImage: boolean;
  /** Puts the media itself in its place. */
  inline(mediaType: string, base64: string): Edit;
}

/** Where requests keep what a model is to look at. */
const ROOTS = ['messages', 'input', 'prompt', 'documents', 'query', 'queries', 'texts', 'content'];
/** Members below which addresses are words, and nothing is fetched. */
const WORDS = new Set(['arguments', 'annotations', 'citations', 'parameters', 'input_schema', 'action', 'tools']);
const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;

/** All addresses in the body that an endpoint would fetch; also those written so as to be overlooked. */
export function remoteMedia(body: Buffer): RemoteMedia[] {
  if (!mayHoldAddresses(body)) return [];
  const found: RemoteMedia[] = [];
  const members = scanObject(body);
  for (const root of ROOTS) {
    const member = findMember(members, root);
    if (member !== undefined) walk(body, member, found);
  }
  return found;
}

/** Most bodies name no address. A letter of a key may be written as an escape. */
function mayHoldAddresses(body: Buffer): boolean {
  return body.includes('url') || body.includes('\\u00');
}

type Range = Pick<Member, 'start' | 'end'>;

function walk(body: Buffer, { start }: Range, found: RemoteMedia[]): void {
  if (body[start] === OPEN_ARRAY) for (const element of scanArray(body, start)) walk(body, element, found);
  if (body[start] !== OPEN_OBJECT) return;
  const members = scanObject(body, start);
  const type = stringAt(body, findMember(members, 'type')) ?? '';
  for (const member of members) {
    if (WORDS.has(member.key) || (type === 'tool_use' && member.key === 'input')) continue;
    if (!namesAddress(member.key)) walk(body, member, found);
    else if (body[member.start] === QUOTE) note(body, member, type, found);
    else walkAddress(body, member, found);
  }
}

/** `image_url` and its like, and `url` inside them. */
function namesAddress(key: string): boolean {
  return key === 'url' || key.endsWith('_url') || key === 'source';
}

/** `"image_url": {"url": ...}`, and Anthropic's `"source": {"type": "url", "url": ...}`, which is replaced as a whole. */
function walkAddress(body: Buffer, outer: Member, found: RemoteMedia[]): void {
  const url = body[outer.start] === OPEN_OBJECT ? findMember(scanObject(body, outer.start), 'url') : undefined;
  if (url === undefined || body[url.start] !== QUOTE) walk(body, outer, found);
  else if (outer.key === 'source') noteSource(body, outer, url, found);
  else note(body, { ...url, key: outer.key }, '', found);
}

function note(body: Buffer, member: Member, type: string, found: RemoteMedia[]): void {
  const url = stringAt(body, member);
  // A citation's source is the name of a document.
  if (url === undefined || member.key === 'source' || isEmbedded(url)) return;
  const isImage = (member.key === 'image_url' || type === 'image_url' || type === 'input_image') && !isData(url);
  const { start, end } = member;
  const inline = (mediaType: string, base64: string): Edit => {
    return { start, end, text: text(`data:${mediaType};base64,${base64}`) };
  };
  found.push({ url, isImage, inline });
}

function noteSource(body: Buffer, { start, end }: Range, member: Member, found: RemoteMedia[]): void {
  const url = stringAt(body, member);
  if (url === undefined || isEmbedded(url)) return;
  const inline = (mediaType: string, base64: string): Edit => {
    const source = { type: text('base64'), media_type: text(mediaType), data: text(base64) };
    return { start, end, text: objectText(source) };
  };
  found.push({ url, isImage: true, inline });
}

/**
 * The media are in the text itself: as a `data:` URL, other than of SVG, which is a program, or as bare base64. Anything
 * else may be an address to somebody, a file's name included; white space before it hides nothing.
 */
function isEmbedded(url: string): boolean {
  const bare = url.trimStart().slice(0, 256);
  if (isData(bare)) return !/^data:image\/svg/i.test(bare);
  return /^[A-Za-z0-9+/]{64}[A-Za-z0-9+/=\r\n]*$/.test(bare);
}

function isData(url: string): boolean {
  return /^\s*data:/i.test(url);
}

function stringAt(body: Buffer, member: Member | undefined): string | undefined {
  if (member === undefined || body[member.start] !== QUOTE) return undefined;
  try {
    return decodeString(body, member.start, member.end);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}
