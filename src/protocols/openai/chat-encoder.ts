import type { AnswerEvent, TokenUsage } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { asArray, asObject } from '../../domain/json.ts';
import { randomId } from '../../domain/random-id.ts';
import { Refusal } from '../../errors.ts';
import type { AnswerEncoder } from '../codec.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { DONE_EVENT, Envelope, errorEvent, recordEvent, usageText } from './stream-dialect.ts';

/** What one record of a stream adds to the answer. */
interface Delta {
  readonly content: string;
  readonly reasoning: string;
  readonly toolCall: RawJson | undefined;
  readonly logprobs: RawJson[];
}

interface ToolCall {
  readonly id: string;
  readonly name: string;
  arguments: string;
}

/** Writes an answer as a chat completion: a record per piece when streaming, else one object. */
export class ChatEncoder implements AnswerEncoder {
  readonly contentType: string;
  readonly streaming: boolean;
  readonly #envelope: Envelope;
  readonly #wantsUsage: boolean;
  readonly #toolCalls = new Map<number, ToolCall>();
  /** What a whole answer consists of. */
  readonly #said: Delta[] = [];
  #begun = false;
  #usage: TokenUsage | undefined;
  #finish: 'stop' | 'length' | 'tool-calls' | undefined;

  /** `wantsUsage`: a stream is to say in a record of its own how many tokens it cost. */
  constructor(model: string, streaming: boolean, wantsUsage: boolean) {
    this.streaming = streaming;
    this.contentType = streaming ? 'text/event-stream' : 'application/json';
    this.#envelope = new Envelope('chatcmpl-', model);
    this.#wantsUsage = wantsUsage;
  }

  push(events: readonly AnswerEvent[]): string {
    const deltas: Delta[] = [];
    for (const event of events) {
      if (event.type === 'error') return this.#records(deltas) + this.#error(event.message);
      this.#take(event, deltas);
    }
    if (this.streaming) return this.#records(deltas);
    this.#said.push(...deltas);
    return '';
  }

  end(): string {
    if (!this.streaming) return this.#whole();
    const usage = this.#wantsUsage ? this.#record(undefined, usageText(this.#usage)) : '';
    return `${this.#begin()}${this.#record(choice('{}', this.#reason))}${usage}${DONE_EVENT}`;
  }

  fail(message: string): string {
    return this.streaming ? errorEvent(message) : '';
  }

  #take(event: AnswerEvent, deltas: Delta[]): void {
    switch (event.type) {
      case 'text-delta':
        deltas.push(delta({ content: event.text }));
        break;
      case 'reasoning-delta':
        deltas.push(delta({ reasoning: event.text }));
        break;
      case 'logprobs':
        if (deltas.length === 0) deltas.push(delta({}));
        deltas.at(-1)?.logprobs.push(...completed(event.json));
        break;
      case 'tool-call-delta':
        deltas.push(delta({ toolCall: this.#toolCall(event) }));
        break;
      case 'usage':
        this.#usage = event.usage;
        break;
      case 'finish':
        this.#finish = event.reason;
        break;
      case 'timings':
      case 'rendered':
      case 'error':
        break;
    }
  }

  /** Only a call's first fragment says which one it is. */
  #toolCall({ index, id, name, arguments: json }: Extract<AnswerEvent, { type: 'tool-call-delta' }>): RawJson {
    const known = this.#toolCalls.get(index);
    if (known !== undefined) {
      known.arguments += json;
      return objectText({ index: text(index), function: objectText({ arguments: text(json) }) });
    }
    const call = { id: id ?? randomId('call_'), name: name ?? '', arguments: json };
    this.#toolCalls.set(index, call);
    return toolCallText(call, index);
  }

  /** Before anything was sent the failure can still have its status; afterwards it is a last record. */
  #error(message: string): string {
    if (!this.streaming) throw new Refusal(500, message);
    return this.fail(message);
  }

  #records(deltas: readonly Delta[]): string {
    if (deltas.length === 0) return '';
    const records = deltas.map((one) => this.#record(choice(deltaText(one), undefined, one.logprobs)));
    return `${this.#begin()}${records.join('')}`;
  }

  /** Clients look for the role in the first record alone. */
  #begin(): string {
    if (this.#begun) return '';
    this.#begun = true;
    return this.#record(choice(objectText({ role: text('assistant'), content: text('') })));
  }

  #record(said: RawJson | undefined, usage?: RawJson): string {
    return recordEvent(this.#envelope.around('chat.completion.chunk', said, usage));
  }

  get #reason(): string {
    if (this.#finish === 'length') return 'length';
    return this.#finish === 'tool-calls' || this.#toolCalls.size > 0 ? 'tool_calls' : 'stop';
  }

  #whole(): string {
    const logprobs = this.#said.flatMap((one) => one.logprobs);
    const said = {
      index: '0',
      message: this.#message(),
      logprobs: logprobsText(logprobs) ?? 'null',
      finish_reason: text(this.#reason),
    };
    return this.#envelope.around('chat.completion', objectText(said), usageText(this.#usage));
  }

  #message(): RawJson {
    const content = this.#said.map((one) => one.content).join('');
    const reasoning = this.#said.map((one) => one.reasoning).join('');
    const inOrder = [...this.#toolCalls].sort(([a], [b]) => a - b);
    const calls = inOrder.map(([, call]) => toolCallText(call));
    return objectText({
      role: text('assistant'),
      content: content === '' && calls.length > 0 ? 'null' : text(content),
      ...reasoningMembers(reasoning),
      tool_calls: calls.length > 0 ? arrayText(calls) : undefined,
    });
  }
}

function delta({ content = '', reasoning = '', toolCall }: Partial<Omit<Delta, 'logprobs'>>): Delta {
  return { content, reasoning, toolCall, logprobs: [] };
}

function deltaText({ content, reasoning, toolCall }: Delta): RawJson {
  if (toolCall !== undefined) return objectText({ tool_calls: arrayText([toolCall]) });
  return objectText(reasoning === '' ? { content: text(content) } : reasoningMembers(reasoning));
}

/** Each half of the clients reads one of the two. */
function reasoningMembers(reasoning: string): Record<string, RawJson> {
  return reasoning === '' ? {} : { reasoning_content: text(reasoning), reasoning: text(reasoning) };
}

function choice(said: RawJson, reason?: string, logprobs: readonly RawJson[] = []): RawJson {
  return objectText({
    index: '0',
    delta: said,
    logprobs: logprobsText(logprobs),
    finish_reason: text(reason ?? null),
  });
}

function toolCallText({ id, name, arguments: json }: ToolCall, index?: number): RawJson {
  const called = objectText({ name: text(name), arguments: text(json) });
  return objectText({ index: text(index), id: text(id), type: text('function'), function: called });
}

function logprobsText(entries: readonly RawJson[]): RawJson | undefined {
  return entries.length === 0 ? undefined : objectText({ content: arrayText(entries), refusal: 'null' });
}

/** The entries with the members that typed clients rely on. */
function completed(json: RawJson): RawJson[] {
  const entries: unknown = JSON.parse(`[${json}]`);
  return asArray(entries).map((entry) => JSON.stringify({ bytes: null, top_logprobs: [], ...asObject(entry) }));
}
