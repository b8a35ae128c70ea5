import type { AnswerEvent } from '../../domain/answer.ts';
import { asArray, asNumber, asObject, asString, type JsonObject, type JsonValue } from '../../domain/json.ts';
import type { AnswerDecoder } from '../codec.ts';
import { errorOf } from '../error-text.ts';
import { jsonText } from '../json/write.ts';
import { readTimings, readUsage } from './usage.ts';

/** Turns the records of OpenAI-style answers, streamed or whole, into answer events. Keeps what fragments need. */
export class RecordDecoder implements AnswerDecoder {
  /** How many of the wanted alternatives per token to keep; log probabilities carry at least one. */
  readonly #topLogprobs: number;
  /** The call to which each index belongs now: some servers give one index to all, and a new id to each. */
  readonly #calls = new Map<number, { place: number; id: string | undefined }>();
  #lastIndex = -1;
  #lastPlace = -1;

  constructor(topLogprobs: number) {
    this.#topLogprobs = topLogprobs;
  }

  decode(record: JsonObject): AnswerEvent[] {
    const failure = errorOf(record);
    if (failure !== undefined) return [{ type: 'error', message: failure }];
    const choice = asObject(asArray(record['choices'])[0]);
    const said = choice === undefined ? this.#infill(record) : this.#choice(choice);
    return [...said, ...this.#measures(record), ...finish(choice?.['finish_reason'])];
  }

  /** A choice of a chat, whole or as a delta, or of a completion. */
  #choice(choice: JsonObject): AnswerEvent[] {
    const said = asObject(choice['delta']) ?? asObject(choice['message']) ?? choice;
    const reasoning = asString(said['reasoning_content']) || asString(said['reasoning']) || '';
    const words = `${wordsIn(said['content'] ?? said['text'])}${asString(said['refusal']) ?? ''}`;
    const events: AnswerEvent[] = [];
    if (reasoning !== '') events.push({ type: 'reasoning-delta', text: reasoning });
    if (words !== '') events.push({ type: 'text-delta', text: words });
    for (const entry of logprobEntries(asObject(choice['logprobs']))) events.push(this.#logprob(entry));
    const calls = asArray(said['tool_calls']);
    // In a whole message each element is a call of its own; fragments of one stand in deltas.
    const isWhole = said === choice['message'];
    calls.forEach((call, place) => {
      events.push(this.#toolCall(asObject(call) ?? {}, isWhole ? place : undefined));
    });
    return events;
  }

  /** llama-server's own completions, `/infill` among them, say `content` and `stop` at the top. */
  #infill(record: JsonObject): AnswerEvent[] {
    const events: AnswerEvent[] = [];
    const words = asString(record['content']) ?? '';
    if (words !== '') events.push({ type: 'text-delta', text: words });
    if (record['stop'] === true) events.push(...finish(record['stop_type'] === 'limit' ? 'length' : 'stop'));
    return events;
  }

  /** A fragment without an index belongs to the call before it, unless it brings a new id. */
  #toolCall(call: JsonObject, place: number | undefined): AnswerEvent {
    const called = asObject(call['function']) ?? {};
    const id = asString(call['id']) || undefined;
    return {
      type: 'tool-call-delta',
      index: place ?? this.#placeOf(asNumber(call['index']), id),
      id,
      name: asString(called['name']),
      arguments: argumentsOf(called['arguments']),
    };
  }

  #placeOf(given: number | undefined, id: string | undefined): number {
    const index = given ?? Math.max(0, this.#lastIndex);
    this.#lastIndex = index;
    const known = this.#calls.get(index);
    // The id of a call may come late, but then with its index.
    const isLate = given !== undefined && known?.id === undefined;
    if (known !== undefined && (id === undefined || isLate || known.id === id)) {
      known.id ??= id;
      return known.place;
    }
    const place = known === undefined ? index : this.#lastPlace + 1;
    this.#lastPlace = Math.max(this.#lastPlace, place);
    this.#calls.set(index, { place, id });
    return place;
  }

  #logprob(entry: JsonValue): AnswerEvent {
    const { top_logprobs: top, ...chosen } = asObject(entry) ?? {};
    const alternatives = asArray(top).slice(0, this.#topLogprobs);
    const kept = { ...token(chosen), ...(this.#topLogprobs > 0 && { top_logprobs: alternatives.map(token) }) };
    return { type: 'logprobs', json: jsonText(kept) };
  }

  #measures(record: JsonObject): AnswerEvent[] {
    const usage = readUsage(record);
    const timings = readTimings(record);
    return [
      ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
      ...(timings === undefined ? [] : [{ type: 'timings', timings } as const]),
    ];
  }
}

/** Without what only one server knows: llama-server numbers its tokens. */
function token(entry: JsonValue): JsonObject {
  const { id: _, ...known } = asObject(entry) ?? {};
  return known;
}

/** Some servers answer in parts, as clients ask. */
function wordsIn(content: JsonValue | undefined): string {
  if (typeof content === 'string') return content;
  return asArray(content)
    .map((part) => asString(asObject(part)?.['text']) ?? '')
    .join('');
}

/** One entry per token: as chat completions give them, else from the columns of a completion. */
function logprobEntries(logprobs: JsonObject | undefined): JsonValue[] {
  if (logprobs === undefined || Array.isArray(logprobs['content'])) return asArray(logprobs?.['content']);
  const [values, alternatives] = [asArray(logprobs['token_logprobs']), asArray(logprobs['top_logprobs'])];
  return asArray(logprobs['tokens']).map((token, at) => {
    const others = Object.entries(asObject(alternatives[at]) ?? {});
    return {
      token,
      logprob: values[at] ?? 0,
      top_logprobs: others.map(([other, logprob]) => ({ token: other, logprob: logprob ?? 0 })),
    };
  });
}

/** Some servers give an object where OpenAI gives its text. */
function argumentsOf(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : jsonText(value);
}

function finish(reason: JsonValue | undefined): AnswerEvent[] {
  if (typeof reason !== 'string') return [];
  if (reason === 'length') return [{ type: 'finish', reason: 'length' }];
  return [{ type: 'finish', reason: reason === 'tool_calls' || reason === 'function_call' ? 'tool-calls' : 'stop' }];
}
