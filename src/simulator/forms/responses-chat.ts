import { type Body, objectIn, objectsIn, textIn } from '../openai/body.ts';

/** A request of the Responses API as the chat completion that servers make of it; it was checked before. */
export function chatOfResponse(body: Body): Body {
  const { model, stream, temperature, top_p: topP, instructions, input, max_output_tokens: maxTokens } = body;
  const system = textIn(instructions) ? [{ role: 'system', content: instructions }] : [];
  const said = typeof input === 'string' ? [{ role: 'user', content: input }] : chatMessages(objectsIn(input));
  const tools = objectsIn(body['tools']).filter((tool) => tool['type'] === 'function');
  const format = chatFormat(objectIn(objectIn(body['text'])['format']));
  const effort = objectIn(body['reasoning'])['effort'];
  return {
    model,
    stream,
    temperature,
    top_p: topP,
    messages: [...system, ...said],
    max_tokens: maxTokens,
    ...(tools.length > 0 ? { tools: tools.map(chatTool), tool_choice: chatToolChoice(body['tool_choice']) } : {}),
    ...(format === undefined ? {} : { response_format: format }),
    ...(effort === undefined || effort === null ? {} : { reasoning_effort: effort }),
  };
}

/** Calls join the assistant's message before them; reasoning is for the model that said it. */
function chatMessages(items: readonly Body[]): Body[] {
  const messages: Body[] = [];
  for (const item of items) {
    const last = messages.at(-1);
    if (item['type'] === 'reasoning') continue;
    if (item['type'] === 'function_call_output') messages.push(toolMessage(item));
    else if (item['type'] !== 'function_call')
      messages.push({ role: item['role'], content: chatContent(item['content']) });
    else if (last?.['role'] === 'assistant') {
      const calls = [...objectsIn(last['tool_calls']), toolCall(item)];
      messages[messages.length - 1] = { ...last, tool_calls: calls };
    } else messages.push({ role: 'assistant', content: null, tool_calls: [toolCall(item)] });
  }
  return messages;
}

function chatContent(content: unknown): unknown {
  if (typeof content === 'string') return content;
  const parts = objectsIn(content).flatMap((part): Body[] => {
    if (part['type'] === 'input_image') return [{ type: 'image_url', image_url: { url: part['image_url'] } }];
    const text = part['text'] ?? part['refusal'];
    return text === undefined ? [] : [{ type: 'text', text }];
  });
  if (parts.some((part) => part['type'] === 'image_url')) return parts;
  return parts.map((part) => textIn(part['text']) ?? '').join('');
}

function toolCall({ call_id: id, name, arguments: args }: Body): Body {
  return { id, type: 'function', function: { name, arguments: args } };
}

function toolMessage({ call_id: id, output }: Body): Body {
  return { role: 'tool', tool_call_id: id, content: chatContent(output) };
}

function chatTool({ name, description, parameters, strict }: Body): Body {
  return { type: 'function', function: { name, description, parameters, strict } };
}

function chatToolChoice(choice: unknown): unknown {
  const name = objectIn(choice)['name'];
  return name === undefined ? choice : { type: 'function', function: { name } };
}

function chatFormat({ type, name, schema }: Body): Body | undefined {
  if (type === 'json_object') return { type };
  return type === 'json_schema' ? { type, json_schema: { name, schema } } : undefined;
}
