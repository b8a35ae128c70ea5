import { OllamaFailure } from './failure.ts';
import type { GenerateRequest, OpenAiCompletionRequest } from './requests.ts';
import { envelope, stopTexts, usageOf } from './v1-chat.ts';
import type { Conversion, NativeAnswer } from './v1-sink.ts';

/** What Ollama understands of a completion; it goes through the chat template. */
export function fromCompletion(request: OpenAiCompletionRequest): GenerateRequest {
  const logprobs = request.logprobs !== undefined && request.logprobs > 0;
  return {
    model: request.model,
    prompt: request.prompt,
    suffix: request.suffix,
    stream: request.stream ?? false,
    options: optionsOf(request),
    logprobs,
    top_logprobs: logprobs ? request.logprobs : undefined,
    _debug_render_only: request._debug_render_only,
  };
}

function optionsOf(request: OpenAiCompletionRequest): Readonly<Record<string, unknown>> {
  const { stop } = request;
  if (Array.isArray(stop) && !stop.every((text) => typeof text === 'string')) {
    throw new OllamaFailure(400, "invalid type for 'stop' field: float64");
  }
  const set = { stop: stopTexts(stop), num_predict: request.max_tokens, seed: request.seed };
  return Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined));
}

/** How a generated answer looks under `/v1/completions`. */
export class CompletionConversion implements Conversion {
  readonly #id: string;
  readonly #includeUsage: boolean;

  constructor(id: string, includeUsage: boolean) {
    this.#id = id;
    this.#includeUsage = includeUsage;
  }

  whole(answer: NativeAnswer): object {
    return { ...envelope(this.#id, 'text_completion', answer), choices: [choice(answer)], usage: usageOf(answer) };
  }

  records(answer: NativeAnswer): readonly object[] {
    // With usage asked for, every record has one; all but the last are zero.
    const usage = this.#includeUsage ? usageOf({}) : undefined;
    return [this.#chunk(answer, [choice(answer)], usage)];
  }

  usageRecord(answer: NativeAnswer): object | undefined {
    if (!this.#includeUsage) return undefined;
    return this.#chunk(answer, [], usageOf(answer));
  }

  #chunk(answer: NativeAnswer, choices: readonly object[], usage: object | undefined): object {
    const { id, object, created, ...rest } = envelope(this.#id, 'text_completion', answer);
    return { id, object, created, choices, ...rest, usage };
  }
}

function choice(answer: NativeAnswer): object {
  return { text: answer['response'] ?? '', index: 0, finish_reason: answer['done_reason'] ?? null };
}
