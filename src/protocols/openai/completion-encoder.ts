import type { AnswerEvent, TokenUsage } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { asArray, asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import { Refusal } from '../../errors.ts';
import type { AnswerEncoder } from '../codec.ts';
import { objectText, text } from '../json/write.ts';
import { DONE_EVENT, Envelope, errorEvent, recordEvent, usageText } from './stream-dialect.ts';

const OBJECT = 'text_completion';

/** Writes an answer as a completion: a record per piece when streaming, else one object. It has no place for reasoning. */
export class CompletionEncoder implements AnswerEncoder {
  readonly contentType: string;
  readonly streaming: boolean;
  readonly #envelope: Envelope;
  readonly #wantsUsage: boolean;
  #text = '';
  #tokens: JsonObject[] = [];
  /** Characters of the tokens that were sent before. */
  #offset = 0;
  #reasons = false;
  #usage: TokenUsage | undefined;
  #finish: 'stop' | 'length' = 'stop';

  /** `wantsUsage`: a stream is to say in a record of its own how many tokens it cost. */
  constructor(model: string, streaming: boolean, wantsUsage: boolean) {
    this.streaming = streaming;
    this.contentType = streaming ? 'text/event-stream' : 'application/json';
    this.#envelope = new Envelope('cmpl-', model);
    this.#wantsUsage = wantsUsage;
  }

  push(events: readonly AnswerEvent[]): string {
    for (const event of events) {
      if (event.type === 'error') return this.#piece() + this.#error(event.message);
      this.#take(event);
    }
    return this.#piece();
  }

  end(): string {
    const last = this.#choice(this.#finish);
    if (!this.streaming) return this.#envelope.around(OBJECT, last, usageText(this.#usage));
    const usage = this.#wantsUsage ? this.#record(undefined, usageText(this.#usage)) : '';
    return `${this.#record(last)}${usage}${DONE_EVENT}`;
  }

  fail(message: string): string {
    return this.streaming ? errorEvent(message) : '';
  }

  #take(event: AnswerEvent): void {
    switch (event.type) {
      case 'text-delta':
        this.#text += event.text;
        this.#reasons = false;
        break;
      case 'reasoning-delta':
        this.#reasons = true;
        break;
      case 'logprobs':
        if (!this.#reasons) this.#tokens.push(...tokensIn(event.json));
        break;
      case 'usage':
        this.#usage = event.usage;
        break;
      case 'finish':
        this.#finish = event.reason === 'length' ? 'length' : 'stop';
        break;
      case 'tool-call-delta':
      case 'timings':
      case 'rendered':
      case 'error':
        break;
    }
  }

  /** Before anything was sent the failure can still have its status; afterwards it is a last record. */
  #error(message: string): string {
    if (!this.streaming) throw new Refusal(500, message);
    return this.fail(message);
  }

  #piece(): string {
    if (!this.streaming || (this.#text === '' && this.#tokens.length === 0)) return '';
    return this.#record(this.#choice(undefined));
  }

  #record(said: RawJson | undefined, usage?: RawJson): string {
    return recordEvent(this.#envelope.around(OBJECT, said, usage));
  }

  /** What was said since the last one. */
  #choice(reason: string | undefined): RawJson {
    const said = {
      text: text(this.#text),
      index: '0',
      logprobs: this.#tokens.length === 0 ? 'null' : columns(this.#tokens, this.#offset),
      finish_reason: text(reason ?? null),
    };
    for (const token of this.#tokens) this.#offset += lengthOf(token);
    this.#text = '';
    this.#tokens = [];
    return objectText(said);
  }
}

function tokensIn(json: RawJson): JsonObject[] {
  const entries: unknown = JSON.parse(`[${json}]`);
  return asArray(entries).map((entry) => asObject(entry) ?? {});
}

/** Log probabilities as completions have them: a list for each property of the tokens. */
function columns(tokens: readonly JsonObject[], from: number): RawJson {
  let offset = from;
  const offsets = tokens.map((token) => {
    const at = offset;
    offset += lengthOf(token);
    return at;
  });
  return JSON.stringify({
    tokens: tokens.map(wordOf),
    token_logprobs: tokens.map(({ logprob }) => asNumber(logprob) ?? null),
    top_logprobs: tokens.map(({ top_logprobs: top }) => (Array.isArray(top) ? alternativesOf(top) : null)),
    text_offset: offsets,
  });
}

function alternativesOf(top: readonly unknown[]): JsonObject {
  const entries = top.map((entry) => asObject(entry) ?? {});
  return Object.fromEntries(entries.map((entry) => [wordOf(entry), asNumber(entry['logprob']) ?? null]));
}

function wordOf({ token }: JsonObject): string {
  return asString(token) ?? '';
}

function lengthOf(token: JsonObject): number {
  return [...wordOf(token)].length;
}
