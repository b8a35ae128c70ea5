import type { Conversation } from './codec.ts';
import { findMember, scanObject } from './json/scan.ts';
import { cutMembers, type Edit, splice } from './json/splice.ts';
import { imagesIn, messagesIn, ollamaImages, partsOf, type Turned, withList } from './turns.ts';

/** A request's body with less in it than before. */
export interface Lessened {
  readonly body: Buffer;
  /** How many messages or parts were left out. */
  readonly count: number;
}

/** Bytes of a text that make one token, roughly, and rather too few than too many. */
export const BYTES_PER_TOKEN = 3.5;

/** Roughly how many tokens the conversation and its tools are. */
export function estimatedTokens(body: Buffer, form: Conversation): number {
  return Math.ceil(weightOf(body, messagesIn(body, form) ?? []) / BYTES_PER_TOKEN);
}

/** What goes into the prompt beside messages, or in place of them. */
const BESIDE = ['tools', 'system', 'instructions', 'prompt', 'suffix', 'input'];
const BRACKET = 0x5b;

/** Bytes of all that goes into the prompt: the messages, and what stands beside them. */
function weightOf(body: Buffer, messages: readonly Turned[]): number {
  const members = scanObject(body);
  const found = BESIDE.flatMap((key) => findMember(members, key) ?? []);
  // A list of input holds the messages.
  const beside = found.filter(({ key, start }) => key !== 'input' || body[start] !== BRACKET);
  const own = messages.reduce((sum, message) => sum + message.weight, 0);
  return beside.reduce((sum, { start, end }) => sum + end - start, own);
}

/**
 * Leaves the oldest turns out until about `share` of the prompt (0 to 1) is gone; what the system says and the last
 * turn of the user, with all that follows it, stay. A tool's result goes with the call it answers. Undefined where there
 * is nothing to leave out.
 */
export function withoutOldestTurns(body: Buffer, form: Conversation, share: number): Lessened | undefined {
  const messages = messagesIn(body, form) ?? [];
  const lastTurn = messages.findLastIndex(({ role }) => role === 'user');
  const whole = weightOf(body, messages);
  const left = new Set<Turned>();
  let gone = 0;
  for (const message of messages.slice(0, Math.max(0, lastTurn))) {
    if (isSystem(message)) continue;
    // A turn is left out as a whole: it begins with what the user says.
    if (gone >= whole * share && message.role === 'user') break;
    left.add(message);
    gone += message.weight;
  }
  leaveAnswersOut(messages.slice(0, Math.max(0, lastTurn)), left);
  if (left.size === 0) return undefined;
  const kept = messages.filter((message) => !left.has(message));
  return { body: withList(body, form, kept), count: left.size };
}

/** A result without its call is refused; where the user spoke in between, it stands in a later turn. */
function leaveAnswersOut(messages: readonly Turned[], left: Set<Turned>): void {
  const calls = new Set([...left].flatMap((message) => message.calls));
  for (const message of messages) if (message.answers.some((id) => calls.has(id))) left.add(message);
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
  if (form === 'generate') return without(body, ['images']);
  const found = (messagesIn(body, form) ?? []).map((message) => imageEdits(body, message, form));
  const count = found.reduce((sum, { images }) => sum + images, 0);
  return count === 0
    ? undefined
    : {
        body: splice(
          body,
          found.flatMap(({ edits }) => edits),
        ),
        count,
      };
}

function without(body: Buffer, keys: readonly string[]): Lessened | undefined {
  const members = scanObject(body);
  const present = keys.filter((key) => findMember(members, key) !== undefined);
  if (present.length === 0) return undefined;
  // One after the other: the ranges of neighbours overlap.
  const lessened = present.reduce((bytes, key) => splice(bytes, cutMembers(scanObject(bytes), key)), body);
  return { body: lessened, count: present.length };
}

function isSystem({ role }: Turned): boolean {
  return role === 'system' || role === 'developer';
}

function imageEdits(body: Buffer, { start, role }: Turned, form: Conversation): { edits: Edit[]; images: number } {
  const members = body[start] === 0x7b ? scanObject(body, start) : [];
  if (form === 'ollama') {
    const images = ollamaImages(body, members).length;
    return { edits: images === 0 ? [] : cutMembers(members, 'images'), images };
  }
  const type = form === 'responses' ? (role === 'assistant' ? 'output_text' : 'input_text') : 'text';
  const text = `{"type":"${type}","text":"(an image was left out)"}`;
  const edits = imagesIn(body, partsOf(body, members)).map((image) => ({ start: image.start, end: image.end, text }));
  return { edits, images: edits.length };
}
