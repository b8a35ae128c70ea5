import { reading } from './json/reading.ts';
import { decodeString, findMember, JsonSyntaxError, scanObject, type Visitor, visit } from './json/scan.ts';
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
const ROOTS = [
  'messages',
  'input',
  'system',
  'instructions',
  'prompt',
  'documents',
  'query',
  'queries',
  'texts',
  'content',
];
/** Members below which addresses are words, and nothing is fetched. */
const WORDS = new Set(['arguments', 'annotations', 'citations', 'parameters', 'input_schema', 'action', 'tools']);
/** Members whose objects hold the address, or the media, of the part around them. */
const HOLDER = /^(?:source|url|.*_url|(?:input_)?(?:image|audio|video|file|media))$/;
/** Members that hold the media themselves, but that some servers open where an address stands in them. */
const DATA = /^(?:data|file_data)$/;
/** Types of parts whose bare `url` is an address. */
const MEDIA = /^(?:url|media|file|document|(?:input_)?(?:image|audio|video)(?:_url)?)$/;

/** All addresses in the body that an endpoint would fetch; also those written so as to be overlooked. Throws `invalid_json`. */
export function remoteMedia(body: Buffer): RemoteMedia[] {
  if (!mayHoldAddresses(body)) return [];
  const search = new Search(body);
  reading(() => {
    const members = scanObject(body);
    for (const root of ROOTS) {
      const member = findMember(members, root);
      if (member !== undefined) visit(body, member.start, root, search);
    }
  });
  return search.found;
}

/** Most bodies name no address and bring no media. A letter of a key may be written as an escape. */
function mayHoldAddresses(body: Buffer): boolean {
  return body.includes('url') || body.includes('data') || body.includes('\\u00');
}

/** An address as it stands in an object. */
interface Address {
  readonly key: string;
  readonly url: string;
  readonly start: number;
  readonly end: number;
  /** The object's own member is the text; else it is in an object of that name. */
  readonly isText: boolean;
}

/** An object that is being walked through. What it is may stand behind what is in it, so it is judged at its end. */
interface Walked {
  readonly key: string;
  readonly start: number;
  type: string;
  /** It says who speaks: what a client adds beside the content is its own business. */
  isMessage: boolean;
  /** Texts that may be addresses, its own and those of `{"image_url": {"url": ...}}`. */
  readonly addresses: Address[];
  /** What was found further inside; apart what is in `input`, which may be a call of a tool. */
  readonly inner: RemoteMedia[];
  readonly inInput: RemoteMedia[];
}

class Search implements Visitor {
  readonly found: RemoteMedia[] = [];
  readonly #body: Buffer;
  readonly #open: Walked[] = [];

  constructor(body: Buffer) {
    this.#body = body;
  }

  open(key: string, start: number): boolean {
    if (WORDS.has(key)) return false;
    this.#open.push({ key, start, type: '', isMessage: false, addresses: [], inner: [], inInput: [] });
    return true;
  }

  string(key: string, start: number, end: number): void {
    const here = this.#open.at(-1);
    if (here === undefined) return;
    if (key === 'type') here.type = this.#text(start, end) ?? '';
    else if (key === 'role') here.isMessage = true;
    else if (key === 'url' || key.endsWith('_url')) {
      // What cannot be read is passed on to nobody who may read it otherwise.
      const url = this.#text(start, end) ?? 'unreadable';
      if (!isEmbedded(url)) here.addresses.push({ key, url, start, end, isText: true });
    } else if (DATA.test(key) && HOLDER.test(here.key)) {
      const url = this.#text(start, end) ?? 'unreadable';
      if (!isData(url) && !/^[A-Za-z0-9+/=_\s-]*$/.test(url))
        here.addresses.push({ key: NO_FORM, url, start, end, isText: false });
    }
  }

  close(end: number): void {
    const here = this.#open.pop();
    if (here === undefined) return;
    const outer = this.#open.at(-1);
    // `url` in such an object is the address of what is around it.
    const isHolder = HOLDER.test(here.key);
    const own: RemoteMedia[] = [];
    for (const address of here.addresses) {
      if (here.isMessage && here.key === 'messages' && outer === undefined && address.isText) continue;
      if (address.key !== 'url' || (!isHolder && MEDIA.test(here.type))) own.push(media(address, here.type));
      else if (isHolder) outer?.addresses.push(held(address, here, end));
    }
    const kept = [...own, ...here.inner, ...(here.type.endsWith('tool_use') ? [] : here.inInput)];
    if (outer === undefined) this.found.push(...kept);
    else (here.key === 'input' ? outer.inInput : outer.inner).push(...kept);
  }

  #text(start: number, end: number): string | undefined {
    try {
      return decodeString(this.#body, start, end);
    } catch (error) {
      if (error instanceof JsonSyntaxError) return undefined;
      throw error;
    }
  }
}

/** The address that an object holds for the one around it: of Anthropic's `source` the whole is replaced. */
function held({ url, start, end }: Address, { key, start: from }: Walked, to: number): Address {
  if (key === 'source') return { key, url, start: from, end: to, isText: false };
  return { key: key === 'url' ? NO_FORM : key, url, start, end, isText: false };
}

/** An address where nobody would look for one. */
const NO_FORM = '';

function media({ key, url, start, end }: Address, type: string): RemoteMedia {
  const isImage =
    !isData(url) &&
    (key === 'source' ? type === 'image' : key === 'image_url' || (key === 'url' && /image/.test(type)));
  const inline = (mediaType: string, base64: string): Edit => {
    const source = { type: text('base64'), media_type: text(mediaType), data: text(base64) };
    return { start, end, text: key === 'source' ? objectText(source) : text(`data:${mediaType};base64,${base64}`) };
  };
  return { url, isImage, inline };
}

/**
 * The media are in the text itself: as a `data:` URL, other than of SVG, which is a program, or as bare base64. Anything
 * else may be an address to somebody, a file's name included; white space before it hides nothing.
 */
function isEmbedded(url: string): boolean {
  if (isData(url)) return !/^\s*data:image\/svg/i.test(url.slice(0, 256));
  return url.length >= 64 && /^[A-Za-z0-9+/]+={0,2}$/.test(url);
}

function isData(url: string): boolean {
  return /^\s*data:/i.test(url.slice(0, 256));
}
