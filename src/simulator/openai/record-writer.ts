import type { Usage } from '../generation.ts';
import type { Piece } from '../plan.ts';
import { ApiFailure } from './failure.ts';
import { choiceFields, envelopeOf, logprobsOf, type Run, withChoices } from './run.ts';
import { totalUsage } from './usage.ts';

/** Writes the records of one stream; nothing goes out before the first token. */
export class RecordWriter {
  readonly #run: Run;
  readonly #envelope: object;
  readonly #begun = new Set<number>();
  readonly #usages: Usage[] = [];
  #reasoningTokens = 0;
  #tokens = 0;
  #prompt: Usage | undefined;
  #readAt = 0;

  constructor(run: Run) {
    this.#run = run;
    this.#envelope = envelopeOf(run);
  }

  /** Whether each choice tells what it cost, and nobody tells what all of them did. */
  get #isApart(): boolean {
    return this.#run.style.promptsApart;
  }

  async promptRead(index: number, usage: Usage): Promise<void> {
    this.#prompt = { ...usage, completionTokens: 0 };
    this.#readAt = performance.now();
    this.#tokens = 0;
    if (this.#run.returnProgress !== true) return;
    const { promptTokens: total, cachedTokens: cache, promptMs } = usage;
    const progress = { total, cache, processed: total, time_ms: Math.round(promptMs) };
    await this.#open();
    const parts = { ...this.#timings(), prompt_progress: progress };
    await this.#choice(index, { role: 'assistant', content: null }, null, parts);
  }

  async piece(index: number, piece: Piece): Promise<void> {
    await this.#begin(index);
    if (piece.type === 'reasoning') this.#reasoningTokens++;
    this.#tokens++;
    const delta = this.#delta(piece);
    if (delta === undefined) return;
    const logprobs = piece.type === 'text' ? logprobsOf(this.#run, [piece.text]) : undefined;
    await this.#choice(index, delta, null, { logprobs, ...this.#timings() });
  }

  async finish(index: number, reason: string, usage: Usage): Promise<void> {
    await this.#begin(index);
    this.#usages.push(usage);
    await this.#choice(index, this.#run.style.finishDelta, reason, this.#costAtFinish(usage));
    if (this.#isApart && this.#isCostLast) await this.#cost(usage);
  }

  async end(): Promise<void> {
    if (!this.#isApart && this.#isCostLast) await this.#cost(totalUsage(this.#usages));
    await this.#data('[DONE]');
    await this.close();
  }

  /** Whether a record without choices tells the cost: llama-server's completions tell it where they finish. */
  get #isCostLast(): boolean {
    const { form, includeUsage } = this.#run;
    return includeUsage && !(this.#isApart && form === 'completion');
  }

  #costAtFinish(usage: Usage): RecordParts {
    const { style, form } = this.#run;
    if (!this.#isApart || this.#isCostLast) return {};
    return { ...(form === 'completion' ? { usage: style.usage(usage, 0) } : {}), ...style.lastFields(usage) };
  }

  async #cost(told: Usage): Promise<void> {
    const { style } = this.#run;
    const usage = style.usage(told, this.#reasoningTokens);
    const record = { ...withChoices(this.#run, this.#envelope, []), usage, ...style.lastFields(told) };
    await this.#data(JSON.stringify(record));
  }

  /** What a record in the middle carries of what the answer cost so far. */
  #timings(): object {
    if (this.#run.timingsPerToken !== true || this.#prompt === undefined) return {};
    const completionMs = performance.now() - this.#readAt;
    return this.#run.style.lastFields({ ...this.#prompt, completionTokens: this.#tokens, completionMs });
  }

  /** The kind's own end of a stream that broke; a plain error while nothing was sent. */
  async broken(message: string): Promise<void> {
    if (!this.#run.exchange.headSent) throw new ApiFailure(500, message);
    for (const data of this.#run.style.brokenStream(message)) await this.#data(data);
    await this.close();
  }

  async close(): Promise<void> {
    await this.#open();
    await this.#run.exchange.close();
  }

  async #open(): Promise<void> {
    if (!this.#run.exchange.headSent) await this.#run.exchange.open(200, this.#run.style.streamHeaders);
  }

  async #begin(index: number): Promise<void> {
    await this.#open();
    if (this.#begun.has(index)) return;
    this.#begun.add(index);
    if (this.#isApart && this.#beginsPrompt(index)) await this.#data('null');
    if (this.#run.form === 'completion') return;
    await this.#choice(index, { role: 'assistant', content: this.#run.style.firstContent }, null, {});
  }

  /** Whether this is the first choice of a prompt behind the first, and nothing was said of its progress. */
  #beginsPrompt(index: number): boolean {
    const { calls, returnProgress } = this.#run;
    return index > 0 && calls[index] !== calls[index - 1] && returnProgress !== true;
  }

  #delta(piece: Piece): object | undefined {
    const { style } = this.#run;
    switch (piece.type) {
      case 'text':
        return { content: piece.text };
      case 'reasoning':
        return style.reasoningField === undefined ? undefined : { [style.reasoningField]: piece.text };
      case 'tool-call': {
        const { index, name } = piece;
        const call = { index, id: style.toolCallId(piece.id), type: 'function', function: { name, arguments: '' } };
        return { tool_calls: [call] };
      }
      case 'tool-arguments':
        return { tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] };
    }
  }

  async #choice(index: number, delta: object, reason: string | null, parts: RecordParts): Promise<void> {
    const { style, form, includeUsage } = this.#run;
    const { logprobs, ...fields } = parts;
    const said = form === 'chat' ? { delta } : { text: 'content' in delta ? (delta.content ?? '') : '' };
    const choice = {
      index,
      ...said,
      ...choiceFields(this.#run),
      ...(logprobs ? { logprobs } : {}),
      finish_reason: reason,
    };
    const usage = includeUsage && style.nullUsage ? { usage: null } : {};
    await this.#data(JSON.stringify({ ...withChoices(this.#run, this.#envelope, [choice]), ...usage, ...fields }));
  }

  async #data(data: string): Promise<void> {
    await this.#run.exchange.write(`data: ${data}\n\n`);
  }
}

interface RecordParts {
  readonly logprobs?: object | undefined;
  readonly [field: string]: unknown;
}
