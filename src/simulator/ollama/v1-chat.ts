import { OllamaFailure } from './failure.ts';
import { isObject } from './go-decode.ts';
import { type ChatRequest, goImage, type OpenAiChatRequest, type OpenAiMessage } from './requests.ts';
import type { Conversion, NativeAnswer } from './v1-sink.ts';

type NativeMessage = NonNullable<ChatRequest['messages']>[number];

/** What Ollama understands of a chat completion; everything else is dropped. */
export function fromChatCompletion(request: OpenAiChatRequest): ChatRequest {
  if ((request.messages ?? []).length === 0) throw new OllamaFailure(400, "[] is too short - 'messages'");
  return {
    model: request.model,
    messages: (request.messages ?? []).flatMap(nativeMessages),
    format: formatOf(request),
    options: optionsOf(request),
    stream: request.stream ?? false,
    tools: request.tools,
    think: thinkOf(request),
    logprobs: request.logprobs,
    top_logprobs: request.top_logprobs,
    _debug_render_only: request._debug_render_only,
  };
}

const blank: NativeMessage = {
  role: undefined,
  content: undefined,
  thinking: undefined,
  images: undefined,
  tool_calls: undefined,
  tool_name: undefined,
  tool_call_id: undefined,
};

/** Every content part becomes a message of its own. */
function nativeMessages(message: OpenAiMessage): NativeMessage[] {
  const { role, content } = message;
  const tools = {
    tool_calls: nativeToolCalls(message),
    tool_call_id: message.tool_call_id,
    thinking: message.reasoning,
  };
  if (typeof content === 'string') return [{ ...blank, role, content, ...tools }];
  if (Array.isArray(content)) return content.map((part) => ({ ...blank, role, ...nativePart(part) }));
  if (message.tool_calls === undefined)
    throw new OllamaFailure(400, `invalid message content type: ${goTypeName(content)}`);
  return [{ ...blank, role, ...tools }];
}

function goTypeName(value: unknown): string {
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'number') return 'float64';
  return typeof value === 'boolean' ? 'bool' : 'map[string]interface {}';
}

function nativePart(part: unknown): Partial<NativeMessage> {
  const invalid = new OllamaFailure(400, 'invalid message format');
  if (!isObject(part)) throw invalid;
  if (part['type'] === 'text' && typeof part['text'] === 'string') return { content: part['text'] };
  if (part['type'] === 'image_url') {
    const image = part['image_url'];
    const url = isObject(image) ? image['url'] : image;
    if (typeof url === 'string') return { images: [imageData(url)] };
  }
  if (part['type'] === 'input_audio') return { images: [soundData(part['input_audio'])] };
  throw invalid;
}

/** Sound goes to the model in the place of a picture. */
function soundData(sound: unknown): string {
  if (!isObject(sound)) throw new OllamaFailure(400, 'invalid input_audio format');
  if (typeof sound['data'] !== 'string') throw new OllamaFailure(400, 'invalid input_audio format: missing data');
  try {
    return goImage(sound['data']);
  } catch (error) {
    throw new OllamaFailure(400, `invalid input_audio base64 data: ${error instanceof Error ? error.message : ''}`);
  }
}

/** The base64 of a data URL; throws where Ollama refuses the address. */
export function imageData(url: string): string {
  if (/^https?:\/\//.test(url)) {
    throw new OllamaFailure(400, 'image URLs are not currently supported, please use base64 encoded data instead');
  }
  const data = /^data:(?:image\/(?:jpeg|jpg|png|webp))?;base64,([A-Za-z0-9+/]*={0,2})$/.exec(url)?.[1];
  if (data === undefined || data.length % 4 !== 0) throw new OllamaFailure(400, 'invalid image input');
  return data;
}

function nativeToolCalls(message: OpenAiMessage): NativeMessage['tool_calls'] {
  return message.tool_calls?.map((call) => ({
    id: call.id,
    function: {
      index: undefined,
      name: call.function?.name,
      arguments: parsedArguments(call.function?.arguments ?? ''),
    },
  }));
}

/** The object in a tool call's arguments. */
export function parsedArguments(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {}
  throw new OllamaFailure(400, 'invalid tool call arguments');
}

function formatOf(request: OpenAiChatRequest): unknown {
  const type = request.response_format?.type?.trim().toLowerCase();
  if (type === 'json_object') return 'json';
  return type === 'json_schema' ? request.response_format?.json_schema?.schema : undefined;
}

function optionsOf(request: OpenAiChatRequest): Readonly<Record<string, unknown>> {
  const set = {
    stop: stopTexts(request.stop),
    num_predict: request.max_tokens,
    temperature: request.temperature ?? 1,
    seed: request.seed,
    frequency_penalty: request.frequency_penalty,
    presence_penalty: request.presence_penalty,
    top_p: request.top_p ?? 1,
  };
  return Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined));
}

export function stopTexts(stop: unknown): string[] | undefined {
  if (typeof stop === 'string') return [stop];
  return Array.isArray(stop) ? stop.filter((text) => typeof text === 'string') : undefined;
}

function thinkOf(request: OpenAiChatRequest): boolean | string | undefined {
  return thinkOfEffort(request.reasoning?.effort ?? request.reasoning_effort ?? '', "'");
}

/** A reasoning effort as a wish to think; the routes quote a wrong one differently. */
export function thinkOfEffort(effort: string, quote: string): boolean | string | undefined {
  if (effort === '') return undefined;
  if (effort === 'none') return false;
  if (['high', 'medium', 'low', 'max'].includes(effort)) return effort;
  const words = '"high", "medium", "low", "max", or "none"';
  throw new OllamaFailure(400, `invalid reasoning value: ${quote}${effort}${quote} (must be ${words})`);
}

/** How a chat answer looks under `/v1`; `separateFinish` is the form since 0.32.6. */
export class ChatConversion implements Conversion {
  readonly #id: string;
  readonly #includeUsage: boolean;
  readonly #separateFinish: boolean;
  #toolCallSent = false;
  #first = true;

  constructor(id: string, includeUsage: boolean, separateFinish: boolean) {
    this.#id = id;
    this.#includeUsage = includeUsage;
    this.#separateFinish = separateFinish;
  }

  whole(answer: NativeAnswer): object {
    const message = messageOf(answer);
    const toolCalls = openAiToolCalls(message['tool_calls']);
    const reason = toolCalls === undefined ? answer['done_reason'] : 'tool_calls';
    return {
      ...this.#envelope('chat.completion', answer),
      choices: [
        {
          index: 0,
          message: {
            role: message['role'],
            content: message['content'] ?? '',
            reasoning: message['thinking'],
            tool_calls: toolCalls,
          },
          finish_reason: reason ?? null,
          logprobs: logprobsOf(answer),
        },
      ],
      usage: usageOf(answer),
      _debug_info: answer['_debug_info'],
    };
  }

  records(answer: NativeAnswer): readonly object[] {
    const message = messageOf(answer);
    const toolCalls = openAiToolCalls(message['tool_calls']);
    const rest = { content: message['content'] ?? '', tool_calls: toolCalls };
    const isMixed = message['thinking'] !== undefined && (rest.content !== '' || toolCalls !== undefined);
    const deltas = isMixed
      ? [{ content: '', reasoning: message['thinking'] }, rest]
      : [{ ...rest, reasoning: message['thinking'] }];
    if (toolCalls !== undefined) this.#toolCallSent = true;
    return this.#withFinish(answer, deltas);
  }

  #withFinish(answer: NativeAnswer, deltas: readonly object[]): readonly object[] {
    const reason = answer['done'] === true ? this.#finishReason(answer) : null;
    const logprobs = logprobsOf(answer);
    if (!this.#separateFinish) {
      return deltas.map((delta, i) => this.#chunk(answer, delta, i === deltas.length - 1 ? reason : null, logprobs));
    }
    const said = deltas.filter((delta) => reason === null || JSON.stringify(delta) !== '{"content":""}');
    const chunks = said.map((delta) => this.#chunk(answer, delta, null, logprobs));
    return reason === null ? chunks : [...chunks, this.#chunk(answer, {}, reason, undefined)];
  }

  usageRecord(answer: NativeAnswer): object | undefined {
    if (!this.#includeUsage) return undefined;
    return { ...this.#envelope('chat.completion.chunk', answer), choices: [], usage: usageOf(answer) };
  }

  #finishReason(answer: NativeAnswer): unknown {
    return this.#toolCallSent && answer['done_reason'] === 'stop' ? 'tool_calls' : answer['done_reason'];
  }

  #chunk(answer: NativeAnswer, delta: object, reason: unknown, logprobs: unknown): object {
    const role = !this.#separateFinish || this.#first ? { role: 'assistant' } : {};
    this.#first = false;
    const choice = { index: 0, delta: { ...role, ...delta }, finish_reason: reason ?? null, logprobs };
    return { ...this.#envelope('chat.completion.chunk', answer), choices: [choice] };
  }

  #envelope(object: string, answer: NativeAnswer): object {
    return envelope(this.#id, object, answer);
  }
}

/** What every `/v1` answer begins with. */
export interface Envelope {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: unknown;
  readonly system_fingerprint: string;
}

export function envelope(id: string, object: string, answer: NativeAnswer): Envelope {
  const created = typeof answer['created_at'] === 'string' ? Date.parse(answer['created_at']) : -62135596800_000;
  return {
    id,
    object,
    created: Math.floor(created / 1000),
    model: answer['model'] ?? '',
    system_fingerprint: 'fp_ollama',
  };
}

export function usageOf(answer: NativeAnswer): object {
  const prompt = Number(answer['prompt_eval_count'] ?? 0);
  const completion = Number(answer['eval_count'] ?? 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}

function messageOf(answer: NativeAnswer): Readonly<Record<string, unknown>> {
  return isObject(answer['message']) ? answer['message'] : {};
}

function logprobsOf(answer: NativeAnswer): object | undefined {
  return Array.isArray(answer['logprobs']) ? { content: answer['logprobs'] } : undefined;
}

function openAiToolCalls(calls: unknown): object[] | undefined {
  if (!Array.isArray(calls)) return undefined;
  return calls.filter(isObject).map((call) => {
    const fn = isObject(call['function']) ? call['function'] : {};
    const { name, index } = fn;
    return { id: call['id'], index, type: 'function', function: { name, arguments: JSON.stringify(fn['arguments']) } };
  });
}
