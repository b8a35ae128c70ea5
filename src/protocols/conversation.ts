import { asString } from '../domain/json.ts';
import type { Conversation } from './codec.ts';
import { decodeString, findMember, JsonSyntaxError, type Member, scanArray, scanObject } from './json/scan.ts';
import { cutMembers, type Edit, splice } from './json/splice.ts';

/** A request's body with less in it than before. */
export interface Lessened {
  readonly body: Buffer;
  /** How many messages or parts were left out. */
  readonly count: number;
}

/** One message as it stands in the body. */
interface Turned {
  readonly start: number;
  readonly end: number;
  readonly role: string;
  /** What it weighs in the prompt, roughly: bytes, images counted little. */
  readonly weight: number;
}

/** An image's base64 says nothing of its tokens: it weighs as this many bytes of text. */
const IMAGE_WEIGHT = 4_000;
/** Bytes of a text that make one token, roughly, and rather too few than too many. */
const BYTES_PER_TOKEN = 3.5;

/** Roughly how many tokens the conversation and its tools are. */
export function estimatedTokens(body: Buffer, form: Conversation): number {
  const messages = messagesIn(body, form) ?? [];
  const tools = findMember(scanObject(body), 'tools');
  const weight = messages.reduce((sum, message) => sum + message.weight, 0);
  return Math.ceil((weight + (tools === undefined ? 0 : tools.end - tools.start)) / BYTES_PER_TOKEN);
}

/**
 * Leaves the oldest turns out until about `share` of the conversation (0 to 1) is gone; what the system says and the last
 * turn of the user, with all that follows it, stay. A tool's result goes with the call it answers. Undefined where there
 * is nothing to leave out.
 */
export function withoutOldestTurns(body: Buffer, form: Conversation, share: number): Lessened | undefined {
  const messages = messagesIn(body, form) ?? [];
  const lastTurn = messages.findLastIndex(({ role }) => role === 'user');
  const whole = messages.reduce((sum, message) => sum + message.weight, 0);
  const left = new Set<Turned>();
  let gone = 0;
  for (const message of messages.slice(0, Math.max(0, lastTurn))) {
    if (isSystem(message)) continue;
    // A turn is left out as a whole: it begins with what the user says.
    if (gone >= whole * share && message.role === 'user') break;
    left.add(message);
    gone += message.weight;
  }
  if (left.size === 0) return undefined;
  const kept = messages.filter((message) => !left.has(message));
  return { body: splice(body, [listEdit(body, form, kept)]), count: left.size };
}

/** Without tools, and all that says how to choose one. */
export function withoutTools(body: Buffer): Lessened | undefined {
  return without(body, ['tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call']);
}

/** Without the wish to think. */
export function withoutThinking(body: Buffer): Lessened | undefined {
  return without(body, ['think', 'thinking']);
}

/** A text stands where an image was, so that the model knows that there was one. */
export function withoutImages(body: Buffer, form: Conversation): Lessened | undefined {
  const edits = (messagesIn(body, form) ?? []).flatMap((message) => imageEdits(body, message, form));
  return edits.length === 0 ? undefined : { body: splice(body, edits), count: edits.length };
}

function without(body: Buffer, keys: readonly string[]): Lessened | undefined {
  const members = scanObject(body);
  const present = keys.filter((key) => findMember(members, key) !== undefined);
  if (present.length === 0) return undefined;
  // One after the other: the ranges of neighbours overlap.
  const lessened = present.reduce((bytes, key) => splice(bytes, cutMembers(scanObject(bytes), key)), body);
  return { body: lessened, count: present.length };
}

function listIn(body: Buffer, form: Conversation): Member | undefined {
  const list = findMember(scanObject(body), form === 'responses' ? 'input' : 'messages');
  return list !== undefined && body[list.start] === 0x5b ? list : undefined;
}

function listEdit(body: Buffer, form: Conversation, kept: readonly Turned[]): Edit {
  const list = listIn(body, form);
  const text = kept.map(({ start, end }) => body.toString('utf8', start, end)).join(',');
  return { start: list?.start ?? 0, end: list?.end ?? 0, text: `[${text}]` };
}

function messagesIn(body: Buffer, form: Conversation): Turned[] | undefined {
  const list = listIn(body, form);
  return list && scanArray(body, list.start).map(({ start, end }) => turned(body, start, end, form));
}

function turned(body: Buffer, start: number, end: number, form: Conversation): Turned {
  if (body[start] !== 0x7b) return { start, end, role: '', weight: end - start };
  const members = scanObject(body, start);
  const role = stringOf(body, findMember(members, 'role')) ?? '';
  const images = form === 'ollama' ? ollamaImages(body, members) : partsOf(body, members).filter(isImage);
  const imageBytes = images.reduce((sum, image) => sum + image.end - image.start, 0);
  const weight = end - start - imageBytes + images.length * IMAGE_WEIGHT;
  return { start, end, role: isResult(body, members, form) ? 'tool' : role, weight };
}

/** Anthropic's users bring the results of tools: such a message answers a call and begins no turn. */
function isResult(body: Buffer, members: readonly Member[], form: Conversation): boolean {
  return form === 'anthropic' && partsOf(body, members).some(({ type }) => type === 'tool_result');
}

function isSystem({ role }: Turned): boolean {
  return role === 'system' || role === 'developer';
}

interface ContentPart {
  readonly start: number;
  readonly end: number;
  readonly type: string;
}

/** The parts of a message's content, where it is no plain text. */
function partsOf(body: Buffer, members: readonly Member[]): ContentPart[] {
  const content = findMember(members, 'content');
  if (content === undefined || body[content.start] !== 0x5b) return [];
  return scanArray(body, content.start).map(({ start, end }) => {
    const type = body[start] === 0x7b ? stringOf(body, findMember(scanObject(body, start), 'type')) : undefined;
    return { start, end, type: type ?? '' };
  });
}

function isImage({ type }: ContentPart): boolean {
  return type === 'image_url' || type === 'input_image' || type === 'image';
}

function ollamaImages(body: Buffer, members: readonly Member[]): { start: number; end: number }[] {
  const images = findMember(members, 'images');
  return images === undefined || body[images.start] !== 0x5b ? [] : scanArray(body, images.start);
}

function imageEdits(body: Buffer, { start, role }: Turned, form: Conversation): Edit[] {
  if (body[start] !== 0x7b) return [];
  const members = scanObject(body, start);
  if (form === 'ollama') return ollamaImages(body, members).length === 0 ? [] : cutMembers(members, 'images');
  const type = form === 'responses' ? (role === 'assistant' ? 'output_text' : 'input_text') : 'text';
  const text = `{"type":"${type}","text":"(an image was left out)"}`;
  return partsOf(body, members)
    .filter(isImage)
    .map((part) => ({ start: part.start, end: part.end, text }));
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
