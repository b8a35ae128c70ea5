import type { Exchange } from '../exchange.ts';
import { chatOfResponse } from '../forms/responses-chat.ts';
import { ResponsesForm } from '../forms/responses-form.ts';
import { ollamaResponses } from '../forms/responses-styles.ts';
import type { Host } from '../host.ts';
import { firstJsonValue } from '../json-value.ts';
import { type Body, objectIn, objectsIn, textIn } from '../openai/body.ts';
import { chat } from './chat.ts';
import { nativeChat } from './chat-request.ts';
import { OllamaFailure } from './failure.ts';
import { FormSink } from './form-sink.ts';
import {
  decodeBody,
  GoDecodeError,
  goAny,
  goBool,
  goFloat,
  goInt,
  goKind,
  goList,
  goMap,
  goString,
  goStruct,
  isObject,
} from './go-decode.ts';
import { middleware } from './middleware.ts';
import { goArguments } from './requests.ts';
import { thinkOfEffort } from './v1-chat.ts';
import { v1Error } from './v1-sink.ts';

const responsesRequest = goStruct('openai.ResponsesRequest', {
  model: goString,
  background: goBool,
  conversation: goAny,
  include: goList(goString),
  input: goAny,
  instructions: goString,
  max_output_tokens: goInt,
  reasoning: goStruct('openai.ResponsesReasoning', { effort: goString, generate_summary: goString, summary: goString }),
  temperature: goFloat,
  text: goStruct('openai.ResponsesText', { format: goMap }),
  top_p: goFloat,
  truncation: goString,
  tools: goList(goMap),
  stream: goBool,
});

/** POST /v1/responses: a subset that keeps nothing; what it does not know, `previous_response_id` too, is ignored. */
export async function v1Responses(host: Host, exchange: Exchange): Promise<void> {
  await middleware(exchange, () => {
    const request = decodeBody(exchange.text, responsesRequest);
    checkInput(request.input);
    const think = thinkOfEffort(textIn(objectIn(request.reasoning)['effort']) ?? '', '"');
    const { tools: _tools, ...rest } = request;
    const converted = nativeChat({
      ...chatOfResponse({ ...rest, temperature: request.temperature ?? 1 }),
      // Tools of any type: it asks only whether the model can do with tools.
      tools: objectsIn(request.tools).map((tool) => ({ function: tool })),
    });
    const createdAt = Math.floor(exchange.recording.startedAt / 1000);
    const digits = String(Math.floor(Math.random() * 999_999));
    const form = new ResponsesForm(ollamaResponses, { digits, model: request.model ?? '', body: request, createdAt });
    const sink = new FormSink({ exchange, form, stream: request.stream === true, estimatedTokens: 0, error: v1Error });
    return { sink, work: () => chat(host, { ...converted, think }, sink, exchange) };
  });
}

function checkInput(input: unknown): void {
  if (input === undefined || typeof input === 'string') return;
  if (!Array.isArray(input)) throw new GoDecodeError(`input must be ${textOrArray(input)}`);
  for (const [i, item] of input.entries()) checkItem(isObject(item) ? item : {}, `input[${i}]`);
}

const itemTypes = ['message', 'function_call', 'function_call_output', 'reasoning', 'web_search_call'];

function checkItem(item: Body, at: string): void {
  const type = textIn(item['type']) ?? (item['role'] === undefined ? '' : 'message');
  if (type === '') throw new GoDecodeError(`${at}: input item missing required 'type' field`);
  if (!itemTypes.includes(type)) throw new GoDecodeError(`${at}: unknown input item type: ${JSON.stringify(type)}`);
  if (type === 'function_call') checkArguments(item['arguments']);
  if (type === 'message') checkParts(item['content'], `${at}: content`);
  if (type === 'function_call_output') checkParts(item['output'], `${at}: output`);
}

/** What Go's decoder makes of anything but a text or a list. */
function textOrArray(value: unknown): string {
  return `a string or array: json: cannot unmarshal ${goKind(value)} into Go value of type []json.RawMessage`;
}

function checkArguments(args: unknown): void {
  if (typeof args !== 'string' || args === '') return;
  try {
    goArguments(firstJsonValue(args));
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    throw new OllamaFailure(400, `failed to parse function call arguments: ${why}`);
  }
}

function checkParts(parts: unknown, at: string): void {
  if (parts === undefined || typeof parts === 'string') return;
  if (!Array.isArray(parts)) throw new GoDecodeError(`${at} must be ${textOrArray(parts)}`);
  for (const [i, part] of objectsIn(parts).entries()) {
    const type = String(part['type'] ?? '');
    if (type === 'input_file') throw new OllamaFailure(400, 'file inputs are not currently supported');
    if (!['input_text', 'output_text', 'input_image'].includes(type)) {
      throw new GoDecodeError(`${at}[${i}]: unknown content type: ${type}`);
    }
  }
}
