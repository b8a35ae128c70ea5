import { type Message, type Part, type RawJson, type ToolCall, textOf } from '../../domain/ask.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { invalid, noImageUrl } from '../refuse.ts';
import { argumentsObject } from '../tool-arguments.ts';

/** Names of the tools that the conversation has called so far, by the calls' ids: where an id comes again, the latest. */
type CalledTools = Map<string, string>;

/** The messages as `/api/chat` has them. Throws `RouterError`. */
export function encodeMessages(messages: readonly Message[]): RawJson {
  const called: CalledTools = new Map();
  return arrayText(messages.map((message) => encodeMessage(message, called)));
}

function encodeMessage({ role, content, reasoning, toolCalls, ...result }: Message, called: CalledTools): RawJson {
  const calls = toolCalls.map((call) => encodeToolCall(call, called));
  const images = content.flatMap(imageOf);
  const { toolCallId: id, toolName = id === undefined ? undefined : called.get(id) } = result;
  return objectText({
    role: text(role),
    content: text(textOf(content)),
    thinking: text(reasoning),
    images: images.length > 0 ? arrayText(images) : undefined,
    tool_calls: calls.length > 0 ? arrayText(calls) : undefined,
    tool_name: role === 'tool' ? text(toolName) : undefined,
    tool_call_id: text(id),
  });
}

function imageOf(part: Part): RawJson[] {
  if (part.type === 'image-url') throw noImageUrl();
  return part.type === 'media' ? [text(part.base64)] : [];
}

function encodeToolCall({ id, name, arguments: json }: ToolCall, called: CalledTools): RawJson {
  if (id !== undefined) called.set(id, name);
  return objectText({
    id: text(id),
    function: objectText({ name: text(name), arguments: checkedArguments(json) }),
  });
}

/** The text as it is, since the order of its keys reaches the prompt. */
function checkedArguments(json: RawJson): RawJson {
  const object = argumentsObject(json);
  if (object === undefined) throw invalid('messages', 'invalid tool call arguments');
  return object;
}
