import type { Timings, TokenUsage } from '../../domain/answer.ts';
import { asArray, asObject, type JsonObject, type JsonValue } from '../../domain/json.ts';
import { type AnswerPipe, NOTHING, type Series } from '../call.ts';
import { errorOf } from '../error-text.ts';
import { isDone, parseRecord } from '../framing.ts';
import { splitEvents } from '../sse.ts';
import { DONE_EVENT, errorEvent, recordEvent } from './stream-dialect.ts';

/**
 * Makes the completions of several prompts, asked for one after the other, one answer: the choices of the prompt in place
 * n have the index n, and usage is summed.
 */
export class CompletionSeries implements Series {
  state: Series['state'] = 'going';
  readonly #count: number;
  readonly #wantsUsage: boolean;
  /** What all records of the answer have in common: those of the first. */
  #head: JsonObject | undefined;
  readonly #choices: JsonValue[] = [];
  #usage: TokenUsage = { promptTokens: 0, completionTokens: 0 };

  constructor(count: number, wantsUsage: boolean) {
    this.#count = count;
    this.#wantsUsage = wantsUsage;
  }

  part(place: number, inner: AnswerPipe): AnswerPipe {
    return new PartPipe(
      inner,
      (said) => this.#merge(place, said, inner.streaming),
      () => this.#over(place, inner),
      () => {
        this.state = 'ended';
      },
    );
  }

  fail(message: string): Buffer {
    return Buffer.from(errorEvent(message));
  }

  #over(place: number, { streaming, usage }: AnswerPipe): string {
    const { promptTokens, completionTokens } = this.#usage;
    if (usage !== undefined) {
      const sum = {
        promptTokens: promptTokens + usage.promptTokens,
        completionTokens: completionTokens + usage.completionTokens,
      };
      this.#usage = sum;
    }
    if (place < this.#count - 1 || this.state !== 'going') return '';
    if (!streaming) return JSON.stringify({ ...this.#head, choices: this.#choices, usage: this.#counts() });
    const last = { ...this.#head, choices: [], usage: this.#counts() };
    return `${this.#wantsUsage ? recordEvent(JSON.stringify(last)) : ''}${DONE_EVENT}`;
  }

  /** A whole answer is kept for the end; events go on as they come, but for those that end the stream. */
  #merge(place: number, said: Buffer, streaming: boolean): string {
    const text = said.toString('utf8');
    if (!streaming) {
      this.#choices.push(...this.#placed(place, parseRecord(text)));
      return '';
    }
    return splitEvents(text)
      .map(({ raw, data }) => (data === '' ? raw : this.#event(place, data)))
      .join('');
  }

  #event(place: number, data: string): string {
    if (isDone(data)) return '';
    const record = parseRecord(data);
    if (errorOf(record) !== undefined) {
      this.state = 'failed';
      return recordEvent(data);
    }
    const choices = this.#placed(place, record);
    const { usage: _, ...rest } = record;
    return choices.length === 0 ? '' : recordEvent(JSON.stringify({ ...rest, ...this.#head, choices }));
  }

  #placed(place: number, record: JsonObject): JsonValue[] {
    const { choices, usage: _, ...head } = record;
    this.#head ??= head;
    return asArray(choices).map((choice) => ({ ...asObject(choice), index: place }));
  }

  #counts(): JsonObject {
    const { promptTokens, completionTokens } = this.#usage;
    const total = promptTokens + completionTokens;
    return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: total };
  }
}

/** One prompt's answer on its way into the one of all. */
class PartPipe implements AnswerPipe {
  readonly #inner: AnswerPipe;
  readonly #merge: (said: Buffer) => string;
  readonly #over: () => string;
  readonly #broke: () => void;

  constructor(inner: AnswerPipe, merge: (said: Buffer) => string, over: () => string, broke: () => void) {
    this.#inner = inner;
    this.#merge = merge;
    this.#over = over;
    this.#broke = broke;
  }

  get contentType(): string | undefined {
    return this.#inner.contentType;
  }

  get streaming(): boolean {
    return this.#inner.streaming;
  }

  get isOver(): boolean {
    return this.#inner.isOver;
  }

  get usage(): TokenUsage | undefined {
    return this.#inner.usage;
  }

  get pieces(): number {
    return this.#inner.pieces;
  }

  get promptTokens(): number | undefined {
    return this.#inner.promptTokens;
  }

  get timings(): Timings | undefined {
    return this.#inner.timings;
  }

  get trouble(): string | undefined {
    return this.#inner.trouble;
  }

  push(bytes: Buffer): Buffer {
    return this.#said(this.#inner.push(bytes));
  }

  end(): Buffer {
    return Buffer.concat([this.#said(this.#inner.end()), Buffer.from(this.#over())]);
  }

  fail(message: string): Buffer | undefined {
    this.#broke();
    const said = this.#inner.fail(message);
    return said && this.#said(said);
  }

  #said(bytes: Buffer): Buffer {
    return bytes.length === 0 ? NOTHING : Buffer.from(this.#merge(bytes));
  }
}
