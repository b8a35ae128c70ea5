import type { TokenUsage } from '../../domain/answer.ts';
import { asNumber, asObject, asString, type JsonObject } from '../../domain/json.ts';
import { objectText, text } from '../json/write.ts';
import type { StreamDialect } from '../sse-pipe.ts';

const ENDS: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed']);

/** Streams of responses: one event of several says how it ended. */
export const RESPONSE_EVENTS: StreamDialect = {
  markers: [...[...ENDS].map((type) => `"${type}"`), '"error"', '[DONE]'],
  finished: (record) => (ENDS.has(asString(record['type']) ?? '') ? 1 : 0),
  isError: (record) => record['type'] === 'error' || Boolean(record['error']),
  readUsage,
  endsItself: true,
  errorEvent: (message) => errorEvent(message),
};

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
