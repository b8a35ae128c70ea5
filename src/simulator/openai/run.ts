import type { Call } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import { exchangeId } from '../exchange-id.ts';
import type { Host } from '../host.ts';
import type { LoadedModel } from '../loaded-model.ts';
import { tokenLogprob } from '../token-logprob.ts';
import type { Style } from './style.ts';

/** An answer in OpenAI's protocol, to a chat or to a plain prompt. */
export interface Run {
  readonly host: Host;
  readonly loaded: LoadedModel;
  /** One per choice. */
  readonly calls: readonly Call[];
  readonly exchange: Exchange;
  readonly style: Style;
  readonly form: 'chat' | 'completion';
  /** As the answer names it. */
  readonly modelName: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Alternatives per token; undefined: no logprobs. */
  readonly topLogprobs: number | undefined;
  /** llama-server: its timings in every record of a stream. */
  readonly timingsPerToken?: boolean;
  /** llama-server: a record that says how far the prompt was read. */
  readonly returnProgress?: boolean;
}

/** The fields that all records of one answer share. */
export function envelopeOf(run: Run): object {
  const { form, style, exchange } = run;
  const name = form === 'chat' ? 'chat.completion' : 'text_completion';
  const suffix = form === 'chat' && run.stream ? '.chunk' : '';
  const id = exchangeId(exchange, 32);
  return {
    id: `${form === 'chat' ? style.chatId : style.completionId}${id}`,
    object: `${name}${suffix}`,
    created: Math.floor(exchange.recording.startedAt / 1000),
    model: run.modelName,
    ...style.envelope,
  };
}

/** What every choice has beside what it says. */
export function choiceFields({ form, style }: Run): object {
  return form === 'chat' ? style.chatChoice : style.completionChoice;
}

/** A record or an answer: what all share, the choices, and the rest, in the kind's order. */
export function withChoices(run: Run, envelope: object, choices: readonly object[]): object {
  return run.style.choicesFirst ? { choices, ...envelope } : { ...envelope, choices };
}

/** The log probability of one token, where asked for. */
export function logprobsOf(run: Run, tokens: readonly string[]): object | undefined {
  const { topLogprobs, style } = run;
  if (topLogprobs === undefined || tokens.length === 0) return undefined;
  return { content: tokens.map((token) => tokenLogprob(token, topLogprobs, style.tokenIds)) };
}
