import { asString } from '../domain/json.ts';
import type { Conversation } from './codec.ts';
import { reading } from './json/reading.ts';
import { decodeString, findMember, JsonSyntaxError, type Member, scanArray, scanObject } from './json/scan.ts';

/** One message as it stands in the body. */
export interface Turned extends Range {
  readonly role: string;
  /** What it weighs in the prompt, roughly: bytes, images counted little. */
  readonly weight: number;
  /** The calls of tools that it makes, and those that it answers. */
  readonly calls: readonly string[];
  readonly answers: readonly string[];
}

export type Range = Pick<Member, 'start' | 'end'>;

/** An image's base64 says nothing of its tokens: it weighs as this many bytes of text. */
const IMAGE_WEIGHT = 4_000;
function listIn(body: Buffer, form: Conversation): Member | undefined {
  const key = form === 'responses' ? 'input' : 'messages';
  const members = scanObject(body);
  // Ollama takes a key in any case.
  const list = form === 'ollama' ? members.findLast((m) => m.key.toLowerCase() === key) : findMember(members, key);
  return list !== undefined && body[list.start] === 0x5b ? list : undefined;
}

/** The body with these messages alone, to the byte: what is no UTF-8 stays so. */
export function withList(body: Buffer, form: Conversation, kept: readonly Turned[]): Buffer {
  const list = listIn(body, form);
  if (list === undefined) return body;
  const comma = Buffer.from(',');
  const messages = kept.flatMap(({ start, end }, place) => [...(place > 0 ? [comma] : []), body.subarray(start, end)]);
  const [before, behind] = [body.subarray(0, list.start + 1), body.subarray(list.end - 1)];
  return Buffer.concat([before, ...messages, behind]);
}

/** The messages of the conversation; undefined where there is no list of them. Throws `invalid_json`. */
export function messagesIn(body: Buffer, form: Conversation): Turned[] | undefined {
  const list = listIn(body, form);
  return list && reading(() => scanArray(body, list.start).map((range) => turned(body, range, form)));
}

function turned(body: Buffer, { start, end }: Range, form: Conversation): Turned {
  const nothing = { start, end, role: '', weight: end - start, calls: [], answers: [] };
  if (body[start] !== 0x7b) return nothing;
  const members = scanObject(body, start);
  const parts = partsOf(body, members);
  const images = form === 'ollama' ? ollamaImages(body, members) : imagesIn(body, parts);
  const imageBytes = images.reduce((sum, image) => sum + image.end - image.start, 0);
  const results = parts.filter(({ type }) => type === 'tool_result');
  return {
    start,
    end,
    // Anthropic's users bring the results of tools: such a message begins no turn.
    role: results.length > 0 ? 'tool' : (stringOf(body, findMember(members, 'role')) ?? ''),
    weight: end - start - imageBytes + images.length * IMAGE_WEIGHT,
    ...callsOf(body, members, parts),
  };
}

/** Ids of calls made and answered, in the words of every form. */
function callsOf(
  body: Buffer,
  members: readonly Member[],
  parts: readonly ContentPart[],
): Pick<Turned, 'calls' | 'answers'> {
  const idIn = (object: readonly Member[], key: string) => {
    const id = stringOf(body, findMember(object, key));
    return id === undefined ? [] : [id];
  };
  const type = stringOf(body, findMember(members, 'type')) ?? '';
  const own = idIn(members, 'call_id');
  const made = elementsOf(body, findMember(members, 'tool_calls')).flatMap((object) => idIn(object, 'id'));
  const used = parts.flatMap((part) => (part.type === 'tool_use' ? idIn(part.members, 'id') : []));
  const given = parts.flatMap((part) => (part.type === 'tool_result' ? idIn(part.members, 'tool_use_id') : []));
  const isOutput = type.endsWith('_output');
  return {
    calls: [...made, ...used, ...(isOutput ? [] : own)],
    answers: [...idIn(members, 'tool_call_id'), ...given, ...(isOutput ? own : [])],
  };
}

function elementsOf(body: Buffer, list: Member | undefined): (readonly Member[])[] {
  if (list === undefined || body[list.start] !== 0x5b) return [];
  return scanArray(body, list.start).flatMap(({ start }) => (body[start] === 0x7b ? [scanObject(body, start)] : []));
}

interface ContentPart extends Range {
  readonly type: string;
  readonly members: readonly Member[];
}

/** The parts of a message's content, or of what a function gave back, where that is no plain text. */
export function partsOf(body: Buffer, members: readonly Member[]): ContentPart[] {
  const content = findMember(members, 'content') ?? findMember(members, 'output');
  if (content === undefined || body[content.start] !== 0x5b) return [];
  return scanArray(body, content.start).map(({ start, end }) => {
    const inner = body[start] === 0x7b ? scanObject(body, start) : [];
    return { start, end, members: inner, type: stringOf(body, findMember(inner, 'type')) ?? '' };
  });
}

/** Also those in what a tool gave back. */
export function imagesIn(body: Buffer, parts: readonly ContentPart[]): Range[] {
  return parts.flatMap((part) => {
    if (part.type === 'tool_result') return imagesIn(body, partsOf(body, part.members));
    return part.type === 'image_url' || part.type === 'input_image' || part.type === 'image' ? [part] : [];
  });
}

/** The images of one of Ollama's messages. */
export function ollamaImages(body: Buffer, members: readonly Member[]): Range[] {
  const images = findMember(members, 'images');
  return images === undefined || body[images.start] !== 0x5b ? [] : scanArray(body, images.start);
}

function stringOf(body: Buffer, member: Member | undefined): string | undefined {
  if (member === undefined || body[member.start] !== 0x22) return undefined;
  try {
    return asString(decodeString(body, member.start, member.end));
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}
