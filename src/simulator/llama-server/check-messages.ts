import { type Body, isObject, objectsIn } from '../openai/body.ts';
import { ApiFailure } from '../openai/failure.ts';
import type { SimulatedModel } from '../simulation.ts';
import { wrongCalls, wrongText } from './check-tools.ts';
import { elementsOf } from './json-error.ts';
import { refuseMedia } from './refusals.ts';

/** Refuses messages that are none: first by what they must have, then by what their parts need, then by what is in them. */
export function checkMessages(messages: unknown, model: SimulatedModel): void {
  if (messages === undefined) refuse("'messages' is required");
  if (!Array.isArray(messages)) refuse("Expected 'messages' to be an array");
  for (const message of messages) checkShape(message, model);
  const wrong = objectsIn(messages)
    .map(wrongMessage)
    .find((text) => text !== undefined);
  if (wrong !== undefined) throw new ApiFailure(500, `Failed to parse messages: ${wrong}`);
  checkEnd(objectsIn(messages).slice(-2));
}

function checkShape(message: unknown, model: SimulatedModel): void {
  const { role, content, tool_calls: calls } = isObject(message) ? message : {};
  if (role === 'assistant' && content === undefined && calls === undefined) {
    refuse("Assistant message must contain either 'content' or 'tool_calls'!");
  }
  if (role !== 'assistant' && content === undefined) refuse("All non-assistant messages must contain 'content'");
  if (Array.isArray(content)) for (const part of content) checkPart(part, model);
  else if (content !== undefined && content !== null && typeof content !== 'string') {
    refuse("Expected 'content' to be a string or an array");
  }
}

/** A model that sees can be shown films. */
const media = { image_url: 'image', input_audio: 'audio', input_video: 'video', video_url: 'video' } as const;

/** What a part needs of the model; addresses in it would be fetched by the server. */
function checkPart(part: unknown, model: SimulatedModel): void {
  const type = isObject(part) ? part['type'] : undefined;
  if (type === 'text') return;
  if (!isMedia(type)) refuse('unsupported content[].type');
  refuseMedia(model, media[type]);
}

function isMedia(type: unknown): type is keyof typeof media {
  return typeof type === 'string' && Object.hasOwn(media, type);
}

function wrongMessage(message: Body): string | undefined {
  if (message['role'] === undefined) return `Missing 'role' in message: ${JSON.stringify(message)}`;
  const texts = objectsIn(message['content']).filter((part) => part['type'] === 'text');
  const wrongPart = texts.map((part) => wrongText(part, 'text')).find((wrong) => wrong !== undefined);
  return wrongText(message, 'role') ?? wrongPart ?? wrongCalls(message['tool_calls']);
}

/** An assistant's message at the end is continued, which not every one can be. */
function checkEnd(last: readonly Body[]): void {
  if (last.at(-1)?.['role'] !== 'assistant') return;
  if (last.length === 2 && last.every((message) => message['role'] === 'assistant')) {
    refuse('Cannot have 2 or more assistant messages at the end of the list.');
  }
  if (elementsOf(last.at(-1)?.['tool_calls']).length > 0) {
    refuse('Cannot continue an assistant message that contains tool calls.');
  }
}

function refuse(message: string): never {
  throw new ApiFailure(400, message);
}
