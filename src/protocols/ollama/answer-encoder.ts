import type { AnswerEvent, Timings, TokenUsage } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { randomId } from '../../domain/random-id.ts';
import { Refusal } from '../../errors.ts';
import type { Heartbeat } from '../call.ts';
import type { AnswerEncoder } from '../codec.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { argumentsObject } from '../tool-arguments.ts';

/** Where text, reasoning and tool calls stand in an object of the answer: `/api/chat` nests them, `/api/generate` does not. */
export type Shape = 'chat' | 'generate';

interface ToolCall {
  id: string | undefined;
  name: string;
  arguments: string;
}

/** What one object of the answer says. */
interface Content {
  text: string;
  reasoning: string;
  logprobs: RawJson[];
}

/**
 * Writes an answer in Ollama's protocol: a line per piece when streaming, else one object. Tool calls are gathered and
 * sent whole, in the object before the last one or in the single one, since Ollama never sends fragments.
 */
export class OllamaEncoder implements AnswerEncoder {
  readonly contentType: string;
  readonly #shape: Shape;
  readonly #model: string;
  readonly streaming: boolean;
  readonly #now: () => number;
  readonly #startedAt: number;
  #firstAt: number | undefined;
  #content: Content = empty();
  readonly #toolCalls = new Map<number, ToolCall>();
  #usage: TokenUsage | undefined;
  #timings: Timings | undefined;
  #finish: 'stop' | 'length' | undefined;
  #debugInfo: RawJson | undefined;

  constructor(shape: Shape, model: string, streaming: boolean, now: () => number) {
    this.#shape = shape;
    this.#model = model;
    this.streaming = streaming;
    this.#now = now;
    this.#startedAt = now();
    this.contentType = streaming ? 'application/x-ndjson' : 'application/json; charset=utf-8';
  }

  push(events: readonly AnswerEvent[]): string {
    let out = '';
    for (const event of events) {
      this.#take(event);
      if (event.type === 'error') out += this.#error(event.message);
    }
    if (!this.streaming || isEmpty(this.#content)) return out;
    const line = this.#object(this.#content, [], {});
    this.#content = empty();
    return `${out}${line}\n`;
  }

  end(): string {
    if (this.#debugInfo !== undefined) return this.#object(empty(), [], { _debug_info: this.#debugInfo });
    const inOrder = [...this.#toolCalls].sort(([a], [b]) => a - b);
    const calls = inOrder.map(([, call], place) => this.#toolCall(call, place));
    const done = { done: 'true', done_reason: text(this.#finish ?? 'stop'), ...this.#metrics() };
    if (!this.streaming) return this.#object(this.#content, calls, done);
    const before = calls.length > 0 ? `${this.#object(empty(), calls, {})}\n` : '';
    return `${before}${this.#object(empty(), [], done)}\n`;
  }

  fail(message: string): string {
    return this.streaming ? `${objectText({ error: text(message) })}\n` : '';
  }

  #take(event: AnswerEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#first();
        this.#content.text += event.text;
        break;
      case 'reasoning-delta':
        this.#first();
        this.#content.reasoning += event.text;
        break;
      case 'logprobs':
        this.#content.logprobs.push(event.json);
        break;
      case 'tool-call-delta':
        this.#first();
        this.#gather(event);
        break;
      case 'rendered':
        this.#debugInfo = debugInfo(event.prompt, event.images);
        break;
      case 'usage':
        this.#usage = event.usage;
        break;
      case 'timings':
        this.#timings = event.timings;
        break;
      case 'finish':
        this.#finish = event.reason === 'length' ? 'length' : 'stop';
        break;
      case 'error':
        break;
    }
  }

  #first(): void {
    this.#firstAt ??= this.#now();
  }

  #gather({ index, id, name, arguments: fragment }: Extract<AnswerEvent, { type: 'tool-call-delta' }>): void {
    const call = this.#toolCalls.get(index);
    if (call === undefined) {
      this.#toolCalls.set(index, { id, name: name ?? '', arguments: fragment });
      return;
    }
    call.id ??= id;
    if (call.name === '') call.name = name ?? '';
    call.arguments += fragment;
  }

  /** Before anything was sent the failure can still have its status; afterwards it is a last line. */
  #error(message: string): string {
    if (!this.streaming) throw new Refusal(500, message);
    return this.fail(message);
  }

  #toolCall(call: ToolCall, index: number): RawJson {
    const called = { index: text(index), name: text(call.name), arguments: checkedArguments(call) };
    return objectText({
      id: this.#shape === 'chat' ? text(call.id ?? randomId('call_')) : undefined,
      function: objectText(called),
    });
  }

  #object(content: Content, calls: readonly RawJson[], last: Readonly<Record<string, RawJson | undefined>>): string {
    const said = {
      thinking: content.reasoning === '' ? undefined : text(content.reasoning),
      tool_calls: calls.length > 0 ? arrayText(calls) : undefined,
    };
    const body: Record<string, RawJson | undefined> =
      this.#shape === 'chat'
        ? { message: objectText({ role: text('assistant'), content: text(content.text), ...said }) }
        : { response: text(content.text), ...said };
    const logprobs = content.logprobs.length > 0 ? arrayText(content.logprobs) : undefined;
    return objectText({ ...this.#stamp(), ...body, done: 'false', logprobs, ...last });
  }

  #stamp(): Record<string, RawJson> {
    return { model: text(this.#model), created_at: text(new Date().toISOString()) };
  }

  /** Whole nanoseconds; counts of zero are left out, as Ollama leaves them out. */
  #metrics(): Record<string, RawJson | undefined> {
    const endedAt = this.#now();
    const promptMs = this.#timings?.promptMs ?? (this.#firstAt ?? endedAt) - this.#startedAt;
    const completionMs = this.#timings?.completionMs ?? endedAt - (this.#firstAt ?? endedAt);
    return {
      total_duration: nanoseconds(endedAt - this.#startedAt),
      prompt_eval_count: count(this.#usage?.promptTokens),
      prompt_eval_duration: nanoseconds(promptMs),
      eval_count: count(this.#usage?.completionTokens),
      eval_duration: nanoseconds(completionMs),
    };
  }
}

/** What Ollama answers when it was asked to load or to unload a model. */
export function acknowledgement(shape: Shape, model: string, reason: 'load' | 'unload'): string {
  return bare(shape, model, { done: 'true', done_reason: text(reason) });
}

/** A line that adds nothing to the answer: clients take it for a piece of text without any. */
export function heartbeat(shape: Shape, model: string): Heartbeat {
  return { contentType: 'application/x-ndjson', text: `${bare(shape, model, { done: 'false' })}\n` };
}

/** An object of the answer that says nothing. */
function bare(shape: Shape, model: string, last: Readonly<Record<string, RawJson>>): string {
  const stamp = { model: text(model), created_at: text(new Date().toISOString()) };
  const body =
    shape === 'chat' ? { message: objectText({ role: text('assistant'), content: text('') }) } : { response: text('') };
  return objectText({ ...stamp, ...body, ...last });
}

function debugInfo(prompt: string, images: number): RawJson {
  return objectText({ rendered_template: text(prompt), image_count: count(images) });
}

function empty(): Content {
  return { text: '', reasoning: '', logprobs: [] };
}

function isEmpty({ text: said, reasoning, logprobs }: Content): boolean {
  return said === '' && reasoning === '' && logprobs.length === 0;
}

function count(tokens: number | undefined): RawJson | undefined {
  return tokens === undefined || tokens === 0 ? undefined : text(tokens);
}

function nanoseconds(ms: number): RawJson {
  return text(Math.max(1, Math.round(ms * 1e6)));
}

function checkedArguments({ name, arguments: json }: ToolCall): RawJson {
  const object = argumentsObject(json);
  if (object === undefined) throw new Refusal(502, `invalid tool call arguments for "${name}"`);
  // A line end between two tokens would end the line of the answer; inside a string it is not valid.
  return object.replace(/[\r\n]+/g, ' ');
}
