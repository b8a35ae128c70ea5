import type { Timings, TokenUsage } from '../../domain/answer.ts';
import { asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import { objectText, text } from '../json/write.ts';
import { readTimings } from '../openai/usage.ts';
import { EVENT_END, member, pieceCounter, together } from '../pieces.ts';
import type { StreamDialect, Tally } from '../stream-dialect.ts';

const ENDS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/** A call's name comes with its item. */
const CALL = together('output_item\\.added"', '"(?:function|custom_tool)_call"');

/** Streams of responses: one event of several says how it ended. */
export const RESPONSE_EVENTS: StreamDialect = {
  telling: new RegExp(`"(?:${[...ENDS].join('|').replaceAll('.', '\\.')}|error)"|\\[DONE\\]`),
  pieces: pieceCounter(`${member.text('delta')}|${CALL}`, EVENT_END),
  finished: (record) => (ENDS.has(asString(record['type']) ?? '') ? 1 : 0),
  isError: (record) => record['type'] === 'error' || Boolean(record['error']),
  tally: () => new ResponseTally(),
  endsItself: true,
  errorEvent: (message) => errorEvent(message),
};

/** What the event that ends a stream tells of its cost; llama-server's has timings beside the response. */
class ResponseTally implements Tally {
  readonly promptTokens = undefined;
  timings: Timings | undefined;
  #usage: TokenUsage | undefined;

  note(record: JsonObject): void {
    this.#usage = readUsage(record) ?? this.#usage;
    this.timings = readTimings(record) ?? this.timings;
  }

  usage(): TokenUsage | undefined {
    return this.#usage;
  }
}

/** Tokens by the `usage` of a response, or of the one that an event carries. */
export function readUsage(record: JsonObject): TokenUsage | undefined {
  const usage = asObject((asObject(record['response']) ?? record)['usage']);
  if (usage === undefined) return undefined;
  const [promptTokens, completionTokens] = [asNumber(usage['input_tokens']), asNumber(usage['output_tokens'])];
  return { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0 };
}

/** The event at which clients give up: OpenAI's own, with the `error` member that its libraries raise at. */
export function errorEvent(message: string, code = 'upstream_lost', sequenceNumber?: number): string {
  const words = { code: text(code), message: text(message), param: 'null' };
  const error = { message: words.message, type: text('server_error'), param: 'null', code: words.code };
  const event = { type: text('error'), sequence_number: text(sequenceNumber), ...words, error: objectText(error) };
  return `event: error\ndata: ${objectText(event)}\n\n`;
}
