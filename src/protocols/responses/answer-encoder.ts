import type { AnswerEvent, TokenUsage } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { Refusal } from '../../errors.ts';
import type { Call } from '../call.ts';
import type { AnswerEncoder } from '../codec.ts';
import { objectText, text } from '../json/write.ts';
import { Calls, type Growth } from './calls.ts';
import { MessageItem } from './message-item.ts';
import type { NamedEvent, OutputItem } from './output-item.ts';
import { ReasoningItem } from './reasoning-item.ts';
import { ResponseObject, type ResponseStatus } from './response-object.ts';
import { wantsEncryptedReasoning } from './settings.ts';
import { errorEvent } from './stream-dialect.ts';
import { namespacesOf } from './tools.ts';

/**
 * Writes an answer as OpenAI's Responses API does: events that build up one response object, or that object alone. An
 * item of the output ends where another one begins, but for calls, whose fragments may alternate: they end with the
 * answer. Nothing is written before there is something to say.
 */
export class ResponsesEncoder implements AnswerEncoder {
  readonly contentType: string;
  readonly streaming: boolean;
  readonly #response: ResponseObject;
  readonly #encryptedReasoning: boolean;
  readonly #calls: Calls;
  readonly #items: OutputItem[] = [];
  readonly #open = new Set<OutputItem>();
  /** The item that goes on with what the model says next. */
  #current: ReasoningItem | MessageItem | undefined;
  #started = false;
  #sequence = 0;
  #usage: TokenUsage = { promptTokens: 0, completionTokens: 0 };
  #cut = false;
  #out = '';

  constructor(call: Call) {
    this.streaming = call.streaming;
    this.contentType = call.streaming ? 'text/event-stream' : 'application/json; charset=utf-8';
    this.#response = new ResponseObject(call);
    this.#encryptedReasoning = wantsEncryptedReasoning(call.fields);
    this.#calls = new Calls(namespacesOf(call.fields));
  }

  push(events: readonly AnswerEvent[]): string {
    events.forEach((event, place) => {
      if (event.type === 'text-delta') this.#say(event.text, logprobsAfter(events, place));
      // Of a token that is only a part of a character.
      else if (event.type === 'logprobs' && place === 0) this.#say('', logprobsAfter(events, -1));
      else this.#take(event);
    });
    return this.#written();
  }

  end(): string {
    this.#start();
    for (const growth of this.#calls.unnamed(this.#items.length)) this.#call(growth);
    const saysNothing = this.#items.every((item) => item instanceof ReasoningItem);
    if (saysNothing && !this.#cut) this.#begin(new MessageItem(this.#items.length));
    const last = this.#items.at(-1);
    for (const item of this.#open) this.#close(item, this.#cut && item === last ? 'incomplete' : 'completed');
    const status = this.#cut ? 'incomplete' : 'completed';
    const response = this.#responseText(status);
    if (!this.streaming) return response;
    this.#tell([{ type: `response.${status}`, members: { response } }]);
    return this.#written();
  }

  fail(message: string): string {
    return this.streaming ? errorEvent(message, undefined, this.#sequence++) : '';
  }

  #take(event: AnswerEvent): void {
    switch (event.type) {
      case 'reasoning-delta':
        this.#think(event.text);
        break;
      case 'tool-call-delta':
        this.#call(this.#calls.take(event, this.#items.length));
        break;
      case 'usage':
        this.#usage = event.usage;
        break;
      case 'finish':
        this.#cut = event.reason === 'length';
        break;
      case 'error':
        // Before anything was sent the failure can still have its status.
        if (!this.streaming) throw new Refusal(500, event.message);
        this.#out += this.fail(event.message);
    }
  }

  #think(delta: string): void {
    if (delta === '') return;
    const item = this.#current instanceof ReasoningItem ? this.#current : this.#newReasoning();
    this.#tell(item.delta(delta));
  }

  #newReasoning(): ReasoningItem {
    const item = new ReasoningItem(this.#items.length, this.#encryptedReasoning);
    this.#begin(item);
    this.#current = item;
    return item;
  }

  #say(delta: string, logprobs: readonly RawJson[]): void {
    if (delta === '' && !(logprobs.length > 0 && this.#current instanceof MessageItem)) return;
    const item = this.#current instanceof MessageItem ? this.#current : this.#newMessage();
    this.#tell(item.delta(delta, logprobs));
  }

  #newMessage(): MessageItem {
    const item = new MessageItem(this.#items.length);
    this.#begin(item);
    this.#current = item;
    return item;
  }

  #call({ item, isNew, delta }: Growth): void {
    if (item === undefined) return;
    if (isNew) this.#begin(item);
    this.#tell(item.delta(delta));
  }

  #begin(item: OutputItem): void {
    this.#start();
    if (this.#current !== undefined) this.#close(this.#current, 'completed');
    this.#current = undefined;
    this.#items.push(item);
    this.#open.add(item);
    this.#tell(item.opening());
  }

  #close(item: OutputItem, status: 'completed' | 'incomplete'): void {
    this.#open.delete(item);
    this.#tell(item.closing(status));
  }

  /** openai-python wants an `output` from the first event on. */
  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const response = this.#response.json({ status: 'in_progress', output: [] });
    this.#tell(['created', 'in_progress'].map((what) => ({ type: `response.${what}`, members: { response } })));
  }

  #responseText(status: ResponseStatus): RawJson {
    const output = this.#items.map((item) => item.json());
    return this.#response.json({ status, output, usage: this.#usage });
  }

  #tell(events: readonly NamedEvent[]): void {
    if (!this.streaming) return;
    for (const { type, members } of events) {
      const numbered = { type: text(type), sequence_number: text(this.#sequence++), ...members };
      this.#out += `event: ${type}\ndata: ${objectText(numbered)}\n\n`;
    }
  }

  #written(): string {
    const out = this.#out;
    this.#out = '';
    return out;
  }
}

/** Log probabilities belong to the text right before them. */
function logprobsAfter(events: readonly AnswerEvent[], place: number): RawJson[] {
  const found: RawJson[] = [];
  for (let at = place + 1; at < events.length; at++) {
    const event = events[at];
    if (event?.type !== 'logprobs') break;
    found.push(event.json);
  }
  return found;
}
