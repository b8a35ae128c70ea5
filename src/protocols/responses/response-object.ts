import type { TokenUsage } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { randomId } from '../../domain/random-id.ts';
import { RouterError } from '../../errors.ts';
import type { Call } from '../call.ts';
import type { Fields } from '../json/fields.ts';
import { arrayText, objectText, text } from '../json/write.ts';

export type ResponseStatus = 'in_progress' | 'completed' | 'incomplete';

/** How a response stands. */
export interface ResponseState {
  readonly status: ResponseStatus;
  readonly output: readonly RawJson[];
  readonly usage?: TokenUsage;
}

/** One response, from its first event to its last: what was asked comes back with what was answered. */
export class ResponseObject {
  readonly #id = randomId('resp_');
  readonly #createdAt = seconds();
  readonly #model: string;
  readonly #settings: Readonly<Record<string, RawJson>>;

  constructor({ fields, model }: Call) {
    this.#model = model;
    this.#settings = settingsOf(fields);
  }

  json({ status, output, usage }: ResponseState): RawJson {
    const reason = status === 'incomplete' ? objectText({ reason: text('max_output_tokens') }) : 'null';
    return objectText({
      id: text(this.#id),
      object: text('response'),
      created_at: text(this.#createdAt),
      completed_at: status === 'completed' ? text(seconds()) : 'null',
      status: text(status),
      error: 'null',
      incomplete_details: reason,
      model: text(this.#model),
      output: arrayText(output),
      ...this.#settings,
      usage: usage === undefined ? 'null' : usageText(usage),
    });
  }
}

/** Settings that clients look for, and what stands where the client said nothing: `null` leaves it to the model. */
const DEFAULTS: Readonly<Record<string, RawJson>> = {
  background: 'false',
  instructions: 'null',
  max_output_tokens: 'null',
  max_tool_calls: 'null',
  metadata: '{}',
  parallel_tool_calls: 'true',
  previous_response_id: 'null',
  prompt_cache_key: 'null',
  reasoning: '{"effort":null,"summary":null}',
  safety_identifier: 'null',
  service_tier: '"default"',
  temperature: 'null',
  text: '{"format":{"type":"text"}}',
  tool_choice: '"auto"',
  tools: '[]',
  top_logprobs: '0',
  top_p: 'null',
  truncation: '"disabled"',
  user: 'null',
};

/** Nothing is stored, whatever was asked. */
function settingsOf(fields: Fields): Record<string, RawJson> {
  const echoed = Object.entries(DEFAULTS).map(([key, unset]) => [key, oneLine(checked(fields.raw(key)) ?? unset)]);
  return { ...Object.fromEntries(echoed), store: 'false' };
}

/** What goes back to the client must be JSON to its end; the scanner does not look at all of a long string. */
function checked(json: RawJson | undefined): RawJson | undefined {
  if (json === undefined) return undefined;
  try {
    JSON.parse(json);
    return json;
  } catch (error) {
    throw new RouterError(
      'invalid_json',
      'request body is not valid JSON: invalid escape or control character in a string',
      { cause: error },
    );
  }
}

/** Line ends between two tokens would end the event; inside a string they are not valid. */
function oneLine(json: RawJson): RawJson {
  return json.replace(/[\r\n]+/g, ' ');
}

/** Endpoints say nothing of what was cached and what was reasoning. */
function usageText({ promptTokens, completionTokens }: TokenUsage): RawJson {
  return objectText({
    input_tokens: text(promptTokens),
    input_tokens_details: objectText({ cached_tokens: '0' }),
    output_tokens: text(completionTokens),
    output_tokens_details: objectText({ reasoning_tokens: '0' }),
    total_tokens: text(promptTokens + completionTokens),
  });
}

/** Since the epoch. */
function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
