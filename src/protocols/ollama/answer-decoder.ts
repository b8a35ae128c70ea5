import type { AnswerEvent } from '../../domain/answer.ts';
import type { Ask } from '../../domain/ask.ts';
import { asArray, asObject, asString, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { AnswerDecoder } from '../codec.ts';
import { errorOf } from '../error-text.ts';
import { jsonText } from '../json/write.ts';
import { readTimings, readUsage } from './usage.ts';

/** What Ollama's whole answer means that is not done: the model repeated itself without end and was stopped. */
const UNFINISHED = 'the endpoint gave up before the answer was finished';

/** Turns the objects of `/api/chat` and `/api/generate`, a stream of lines or a whole one, into answer events. */
export class NativeDecoder implements AnswerDecoder {
  readonly #streaming: boolean;
  #toolCalls = 0;

  /** A whole answer has no other object that could still say that it is done. */
  constructor({ streaming }: Pick<Ask, 'streaming'> = { streaming: true }) {
    this.#streaming = streaming;
  }

  decode(record: JsonObject): AnswerEvent[] {
    const failure = errorOf(record);
    if (failure !== undefined) return [{ type: 'error', message: failure }];
    const message = asObject(record['message']);
    const said = message === undefined ? says(record, record['response']) : says(message, message['content']);
    const calls = asArray((message ?? record)['tool_calls']).map((call) => this.#toolCall(asObject(call) ?? {}));
    return [...said, ...logprobs(record), ...calls, ...this.#ending(record)];
  }

  /** Ollama's own `index` may start anew in each object. */
  #toolCall(call: JsonObject): AnswerEvent {
    const called = asObject(call['function']) ?? {};
    return {
      type: 'tool-call-delta',
      index: this.#toolCalls++,
      id: asString(call['id']) || undefined,
      name: asString(called['name']),
      arguments: argumentsOf(called['arguments']),
    };
  }

  #ending(record: JsonObject): AnswerEvent[] {
    if (record['done'] !== true) return this.#streaming ? [] : [{ type: 'error', message: UNFINISHED }];
    const usage = readUsage(record) ?? { promptTokens: 0, completionTokens: 0 };
    const timings = readTimings(record);
    const measured: AnswerEvent[] = timings === undefined ? [] : [{ type: 'timings', timings }];
    return [{ type: 'usage', usage }, ...measured, { type: 'finish', reason: this.#reason(record) }];
  }

  #reason({ done_reason: reason }: JsonObject): 'stop' | 'length' | 'tool-calls' {
    if (reason === 'length') return 'length';
    return this.#toolCalls > 0 ? 'tool-calls' : 'stop';
  }
}

function says({ thinking }: JsonObject, content: JsonValue | undefined): AnswerEvent[] {
  const [reasoning, words] = [asString(thinking) ?? '', asString(content) ?? ''];
  return [
    ...(reasoning === '' ? [] : [{ type: 'reasoning-delta', text: reasoning } as const]),
    ...(words === '' ? [] : [{ type: 'text-delta', text: words } as const]),
  ];
}

function logprobs(record: JsonObject): AnswerEvent[] {
  return asArray(record['logprobs']).map((entry) => ({ type: 'logprobs', json: jsonText(entry) }));
}

function argumentsOf(value: JsonValue | undefined): string {
  return asString(value) ?? jsonText(value ?? {});
}
