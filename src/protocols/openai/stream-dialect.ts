import type { TokenUsage } from '../../domain/answer.ts';
import type { RawJson } from '../../domain/ask.ts';
import { asArray, asObject } from '../../domain/json.ts';
import { randomId } from '../../domain/random-id.ts';
import { errorOf } from '../error-text.ts';
import { objectText, text } from '../json/write.ts';
import { EVENT_END, member, pieceCounter } from '../pieces.ts';
import type { StreamDialect } from '../stream-dialect.ts';
import { ChoiceTally } from './choice-tally.ts';

const TEXT = member.text('content|reasoning_content|reasoning|refusal|text');
/** A call has a name at its beginning, and then arguments; some servers give them as an object. */
const NAME = member.holding('function|function_call', member.text('name'));
const CALL = `${NAME}|${member.text('arguments')}|${member.object('arguments')}`;
/** Each of several choices in one record has a `delta` of its own. */
const NEXT = `${EVENT_END}|"delta"`;

/** Streams of chat completions and completions: each choice says why it stopped. */
export const CHOICES: StreamDialect = {
  telling: new RegExp(`"(?:usage|timings|error)"|\\[DONE\\]|${member.anyText('finish_reason')}`),
  pieces: pieceCounter(`${TEXT}|${CALL}`, NEXT),
  finished: (record) =>
    asArray(record['choices']).filter((choice) => typeof asObject(choice)?.['finish_reason'] === 'string').length,
  isError: (record) => errorOf(record) !== undefined,
  tally: ({ answers = 1, prompts = 1 }) => new ChoiceTally(answers, prompts),
  errorEvent,
};

/**
 * The same of Ollama's completions, which tell nothing of reasoning: each of its tokens is a record with an empty text. The
 * one without a model's name is what an error becomes.
 */
export const OLLAMA_COMPLETIONS: StreamDialect = {
  ...CHOICES,
  pieces: pieceCounter(`${TEXT}|"text":"","index":0,"finish_reason":null\\}\\],"model":"[^"]`, EVENT_END),
};

/** The event that OpenAI's clients read as an error in the middle of a stream. */
export function errorEvent(message: string): string {
  const error = { message: text(message), type: text('server_error'), param: 'null', code: text('upstream_lost') };
  return recordEvent(objectText({ error: objectText(error) }));
}

/** Ends a stream that is complete. */
export const DONE_EVENT = 'data: [DONE]\n\n';

export function recordEvent(json: RawJson): string {
  return `data: ${json}\n\n`;
}

/** What all objects of one answer have in common. */
export class Envelope {
  readonly #id: string;
  readonly #created = Math.floor(Date.now() / 1000);
  readonly #model: string;

  constructor(idPrefix: string, model: string) {
    this.#id = randomId(idPrefix);
    this.#model = model;
  }

  /** One of these objects, of the type that clients know it by, with no choice or one. */
  around(type: string, choice: RawJson | undefined, usage?: RawJson): RawJson {
    return objectText({
      id: text(this.#id),
      object: text(type),
      created: text(this.#created),
      model: text(this.#model),
      system_fingerprint: text('fp_ollama'),
      choices: `[${choice ?? ''}]`,
      usage,
    });
  }
}

/** Tokens as clients read them; what was not counted is 0. */
export function usageText({ promptTokens, completionTokens }: TokenUsage = NO_TOKENS): RawJson {
  return objectText({
    prompt_tokens: text(promptTokens),
    completion_tokens: text(completionTokens),
    total_tokens: text(promptTokens + completionTokens),
  });
}

const NO_TOKENS: TokenUsage = { promptTokens: 0, completionTokens: 0 };
