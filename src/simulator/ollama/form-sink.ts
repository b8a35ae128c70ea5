import type { Exchange, HeaderPairs } from '../exchange.ts';
import { type AnswerForm, eventText } from '../forms/form.ts';
import type { Usage } from '../generation.ts';
import type { Piece } from '../plan.ts';
import { isObject } from './go-decode.ts';
import { goEscaped, goJson } from './go-json.ts';
import { plainJsonType, type Sink } from './sink.ts';
import type { NativeAnswer } from './v1-sink.ts';

const streamHeaders: HeaderPairs = [
  ['Content-Type', 'text/event-stream'],
  ['Cache-Control', 'no-cache'],
  ['Connection', 'keep-alive'],
];

/** How a sink of named events is set up. */
export interface FormSinkParts {
  readonly exchange: Exchange;
  readonly form: AnswerForm;
  readonly stream: boolean;
  /** Tokens said to be in the prompt before it was read. */
  readonly estimatedTokens: number;
  readonly error: (status: number, message: string) => object;
}

/** Writes what a handler of Ollama's own API answers in a protocol of named events, as Ollama's middleware does. */
export class FormSink implements Sink {
  readonly #parts: FormSinkParts;
  #isStarted = false;
  #calls = 0;

  constructor(parts: FormSinkParts) {
    this.#parts = parts;
  }

  async json(status: number, body: object): Promise<void> {
    const { exchange, form, stream, error } = this.#parts;
    const answer: NativeAnswer = isObject(body) ? body : {};
    if (status >= 400) return this.#json(status, error(status, String(answer['error'])));
    if (stream) {
      await this.streamed(body);
      return exchange.close();
    }
    this.#feed(answer);
    return this.#json(status, form.whole());
  }

  async streamed(object: object): Promise<void> {
    const { exchange } = this.#parts;
    if (!exchange.headSent) await exchange.open(200, streamHeaders);
    for (const event of this.#feed(isObject(object) ? object : {})) await exchange.write(goEscaped(eventText(event)));
  }

  /** In the middle of a stream the error line reads as an answer without any field: nothing comes of it. */
  async failed(status: number, message: string): Promise<void> {
    if (!this.#parts.exchange.headSent) return this.json(status, { error: message });
    return this.#parts.exchange.close();
  }

  async end(): Promise<void> {
    const { exchange } = this.#parts;
    if (!exchange.headSent) await exchange.open(200, streamHeaders);
    await exchange.close();
  }

  #feed(answer: NativeAnswer) {
    const { form, estimatedTokens } = this.#parts;
    const started = this.#isStarted ? [] : form.start({ promptTokens: estimatedTokens, cachedTokens: 0 });
    this.#isStarted = true;
    const pieces = this.#pieces(answer).flatMap((piece) => form.piece(piece));
    if (answer['done'] !== true) return [...started, ...pieces];
    const reason = answer['done_reason'] === 'length' ? 'length' : 'stop';
    return [...started, ...pieces, ...form.finish(reason, usageOf(answer))];
  }

  #pieces(answer: NativeAnswer): Piece[] {
    const message = isObject(answer['message']) ? answer['message'] : {};
    const { thinking, content, tool_calls: calls } = message;
    const thought: Piece[] =
      typeof thinking === 'string' && thinking !== '' ? [{ type: 'reasoning', text: thinking }] : [];
    const said: Piece[] = typeof content === 'string' && content !== '' ? [{ type: 'text', text: content }] : [];
    return [...thought, ...said, ...(Array.isArray(calls) ? calls : []).flatMap((call) => this.#call(call))];
  }

  #call(call: unknown): Piece[] {
    if (!isObject(call) || !isObject(call['function'])) return [];
    const { name, arguments: args } = call['function'];
    const index = this.#calls++;
    return [
      { type: 'tool-call', index, id: String(call['id']), name: String(name) },
      { type: 'tool-arguments', index, text: JSON.stringify(args) },
    ];
  }

  async #json(status: number, body: object): Promise<void> {
    await this.#parts.exchange.send(status, plainJsonType, `${goJson(body)}\n`);
  }
}

function usageOf(answer: NativeAnswer): Usage {
  const promptTokens = Number(answer['prompt_eval_count'] ?? 0);
  const completionTokens = Number(answer['eval_count'] ?? 0);
  return { promptTokens, completionTokens, cachedTokens: 0, promptMs: 0, completionMs: 0 };
}
