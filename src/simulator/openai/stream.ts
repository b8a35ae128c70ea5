import type { Call } from '../call.ts';
import { GenerationFailure, SilentEnd, type Usage } from '../generation.ts';
import type { Piece } from '../plan.ts';
import { ApiFailure } from './failure.ts';
import { choiceFields, envelopeOf, logprobsOf, type Run, withChoices } from './run.ts';

/** Answers with a stream of records. */
export async function stream(run: Run): Promise<void> {
  const writer = new RecordWriter(run);
  try {
    for (const [index, call] of run.calls.entries()) await streamChoice(run, call, index, writer);
    await writer.end();
  } catch (error) {
    if (error instanceof GenerationFailure) await writer.broken(error.message);
    else if (error instanceof SilentEnd) await writer.close();
    else throw error;
  }
}

async function streamChoice(run: Run, call: Call, index: number, writer: RecordWriter): Promise<void> {
  let calledTool = false;
  for await (const event of run.host.answer(run.loaded, call, run.exchange)) {
    if (event.type === 'prompt-read') continue;
    if (event.type === 'finish') {
      const reason = calledTool && event.reason === 'stop' ? 'tool_calls' : event.reason;
      await writer.finish(index, reason, event.usage);
    } else {
      calledTool ||= event.type === 'tool-call';
      await writer.piece(index, event);
    }
  }
}

/** Writes the records of one stream; nothing goes out before the first token. */
class RecordWriter {
  readonly #run: Run;
  readonly #envelope: object;
  readonly #begun = new Set<number>();
  readonly #usages: Usage[] = [];
  #reasoningTokens = 0;

  constructor(run: Run) {
    this.#run = run;
    this.#envelope = envelopeOf(run);
  }

  async piece(index: number, piece: Piece): Promise<void> {
    await this.#begin(index);
    if (piece.type === 'reasoning') this.#reasoningTokens++;
    const delta = this.#delta(piece);
    if (delta === undefined) return;
    const logprobs = piece.type === 'text' ? logprobsOf(this.#run, [piece.text]) : undefined;
    await this.#choice(index, delta, null, { logprobs });
  }

  async finish(index: number, reason: string, usage: Usage): Promise<void> {
    await this.#begin(index);
    this.#usages.push(usage);
    const { style, form } = this.#run;
    const isLast = index === this.#run.calls.length - 1 && !this.#run.includeUsage;
    const unasked = isLast && form === 'completion' && style.completionUsageUnasked;
    await this.#choice(index, style.finishDelta, reason, {
      ...(unasked ? { usage: style.usage(usage, 0) } : {}),
      ...(isLast ? style.lastFields(usage) : {}),
    });
  }

  async end(): Promise<void> {
    const { style, includeUsage } = this.#run;
    const total = totalUsage(this.#usages);
    if (includeUsage) {
      const usage = style.usage(total, this.#reasoningTokens);
      await this.#data(
        JSON.stringify({ ...withChoices(this.#run, this.#envelope, []), usage, ...style.lastFields(total) }),
      );
    }
    await this.#data('[DONE]');
    await this.close();
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
    if (this.#run.form === 'completion') return;
    await this.#choice(index, { role: 'assistant', content: this.#run.style.firstContent }, null, {});
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
    const said = form === 'chat' ? { delta } : { text: 'content' in delta ? delta.content : '' };
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

/** Usage of several choices: the prompt counts once. */
export function totalUsage(usages: readonly Usage[]): Usage {
  const none = { promptTokens: 0, cachedTokens: 0, completionTokens: 0, promptMs: 0, completionMs: 0 };
  const first = usages[0] ?? none;
  const sum = (of: (usage: Usage) => number) => usages.reduce((total, usage) => total + of(usage), 0);
  return { ...first, completionTokens: sum((u) => u.completionTokens), completionMs: sum((u) => u.completionMs) };
}
