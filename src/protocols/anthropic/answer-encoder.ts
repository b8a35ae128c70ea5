import type { AnswerEvent, TokenUsage } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { randomId } from '../../domain/random-id.ts';
import { Refusal } from '../../errors.ts';
import type { AnswerEncoder } from '../codec.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { Blocks, blockText } from './answer-blocks.ts';
import { BlockStream } from './block-stream.ts';
import { errorEvent, event } from './events.ts';

/** Writes an answer as a message of Anthropic's protocol, or as the stream of events that makes one up. */
export class MessagesEncoder implements AnswerEncoder {
  readonly contentType: string;
  readonly streaming: boolean;
  readonly #id = randomId('msg_');
  readonly #model: string;
  readonly #blocks = new Blocks();
  readonly #stream = new BlockStream(this.#blocks);
  #usage: TokenUsage | undefined;
  #finish: 'stop' | 'length' | undefined;
  #isStarted = false;

  constructor(model: string, streaming: boolean) {
    this.#model = model;
    this.streaming = streaming;
    this.contentType = streaming ? 'text/event-stream' : 'application/json; charset=utf-8';
  }

  push(events: readonly AnswerEvent[]): string {
    for (const event of events) this.#take(event);
    const said = this.streaming ? this.#started(this.#stream.flow()) : '';
    const failure = events.find(({ type }) => type === 'error');
    return failure?.type === 'error' ? said + this.#error(failure.message) : said;
  }

  end(): string {
    if (!this.streaming) return this.#whole();
    const rest = this.#stream.end();
    const delta = objectText({ stop_reason: text(this.#stopReason()), stop_sequence: 'null' });
    const last = event('message_delta', { delta, usage: this.#tokens() }) + event('message_stop');
    return this.#started(rest + last);
  }

  fail(message: string): string {
    return this.streaming ? errorEvent(message) : '';
  }

  #take(event: AnswerEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#blocks.say('text', event.text);
        break;
      case 'reasoning-delta':
        this.#blocks.say('thinking', event.text);
        break;
      case 'tool-call-delta':
        this.#blocks.call(event);
        break;
      case 'usage':
        this.#usage = event.usage;
        break;
      case 'finish':
        this.#finish = event.reason === 'length' ? 'length' : 'stop';
        break;
      case 'error':
      case 'logprobs':
      case 'timings':
      case 'rendered':
        break;
    }
  }

  /** Before anything was sent the failure can still have its status; afterwards it is a last event. */
  #error(message: string): string {
    if (!this.streaming) throw new Refusal(500, message);
    return this.fail(message);
  }

  /** The events with the message's start before them, where that was not sent yet. */
  #started(events: string): string {
    if (this.#isStarted || events === '') return events;
    this.#isStarted = true;
    return event('message_start', { message: this.#message('[]', null) }) + events;
  }

  #whole(): string {
    const content = this.#blocks.all.map((block) => blockText(block, true));
    return this.#message(arrayText(content), this.#stopReason());
  }

  #message(content: RawJson, stopReason: string | null): RawJson {
    return objectText({
      id: text(this.#id),
      type: text('message'),
      role: text('assistant'),
      model: text(this.#model),
      content,
      stop_reason: text(stopReason),
      stop_sequence: 'null',
      usage: this.#tokens(),
    });
  }

  #tokens(): RawJson {
    const { promptTokens, completionTokens } = this.#usage ?? { promptTokens: 0, completionTokens: 0 };
    return objectText({ input_tokens: text(promptTokens), output_tokens: text(completionTokens) });
  }

  /** Clients wait for calls where the reason is `tool_use`, and look for none where it is another. */
  #stopReason(): string {
    if (this.#finish === 'length') return 'max_tokens';
    return this.#blocks.callsTools ? 'tool_use' : 'end_turn';
  }
}
