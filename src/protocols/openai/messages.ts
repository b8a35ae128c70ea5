import { type Message, type Part, type RawJson, type ToolCall, textOf } from '../../domain/ask.ts';
import type { EndpointKind } from '../../domain/endpoint.ts';
import { randomId } from '../../domain/random-id.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { noImageUrl } from '../refuse.ts';

/** A call that the conversation has made: its id, and whether a tool message has answered it. */
interface OpenCall {
  readonly id: string;
  readonly name: string;
  answered: boolean;
}

/** The messages as OpenAI's chat completions have them, with the fields that this kind of endpoint takes. */
export function encodeMessages(messages: readonly Message[], kind: EndpointKind): RawJson {
  const calls: OpenCall[] = [];
  return arrayText(messages.map((message) => encodeMessage(message, kind, calls)));
}

function encodeMessage(message: Message, kind: EndpointKind, calls: OpenCall[]): RawJson {
  if (message.role === 'tool') return toolMessage(message, kind, calls);
  // Results answer the calls of the turn before them.
  if (message.toolCalls.length > 0) calls.length = 0;
  const toolCalls = message.toolCalls.map((call) => encodeToolCall(call, calls));
  const strict = kind === 'openai';
  const silent = toolCalls.length > 0 && message.content.length === 0 && strict;
  return objectText({
    role: text(message.role),
    content: silent ? 'null' : encodeContent(message.content, kind),
    reasoning_content: strict ? undefined : text(message.reasoning),
    reasoning: kind === 'vllm' ? text(message.reasoning) : undefined,
    tool_calls: toolCalls.length > 0 ? arrayText(toolCalls) : undefined,
  });
}

function encodeContent(content: readonly Part[], kind: EndpointKind): RawJson {
  if (content.every(({ type }) => type === 'text')) return text(textOf(content));
  const parts = content.filter((part) => part.type !== 'text' || part.text !== '');
  return arrayText(parts.map((part) => encodePart(part, kind)));
}

function encodePart(part: Part, kind: EndpointKind): RawJson {
  switch (part.type) {
    case 'text':
      return objectText({ type: text('text'), text: text(part.text) });
    case 'image-url':
      if (kind !== 'openai') throw noImageUrl();
      return imageUrl(part.url, part.detail);
    case 'media':
      return encodeMedium(part);
  }
}

function encodeMedium({ base64, mediaType, detail }: Extract<Part, { type: 'media' }>): RawJson {
  const type = mediaType ?? sniff(base64);
  if (!type.startsWith('audio/')) return imageUrl(`data:${type};base64,${base64}`, detail);
  const format = /wav/.test(type) ? 'wav' : 'mp3';
  return objectText({
    type: text('input_audio'),
    input_audio: objectText({ data: text(base64), format: text(format) }),
  });
}

function imageUrl(url: string, detail: string | undefined): RawJson {
  return objectText({ type: text('image_url'), image_url: objectText({ url: text(url), detail: text(detail) }) });
}

/** The format by the first bytes; JPEG where nothing else fits. */
function sniff(base64: string): string {
  const head = Buffer.from(base64.slice(0, 24), 'base64').toString('latin1');
  if (head.startsWith('\x89PNG')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (head.startsWith('GIF8')) return 'image/gif';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'image/webp';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WAVE') return 'audio/wav';
  if (head.startsWith('ID3') || /^\xff[\xe0-\xff]/.test(head)) return 'audio/mp3';
  return 'image/jpeg';
}

function encodeToolCall(call: ToolCall, calls: OpenCall[]): RawJson {
  const id = call.id ?? randomId('call_');
  calls.push({ id, name: call.name, answered: false });
  const called = objectText({ name: text(call.name), arguments: text(call.arguments) });
  return objectText({ id: text(id), type: text('function'), function: called });
}

/** A tool's result belongs to the call it names, else to the first unanswered call of that tool, else to the first. */
function toolMessage(message: Message, kind: EndpointKind, calls: readonly OpenCall[]): RawJson {
  const open = calls.filter((call) => !call.answered);
  const call =
    message.toolCallId === undefined
      ? (open.find(({ name }) => name === message.toolName) ?? open[0])
      : open.find(({ id }) => id === message.toolCallId);
  if (call !== undefined) call.answered = true;
  return objectText({
    role: text('tool'),
    tool_call_id: text(message.toolCallId ?? call?.id ?? randomId('call_')),
    content: encodeContent(message.content, kind),
    name: kind === 'openai' ? undefined : text(message.toolName ?? call?.name),
  });
}
